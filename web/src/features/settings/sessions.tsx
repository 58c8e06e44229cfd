/** Where one is logged in; each can be ended from here. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, got } from "@/api/client";
import { dateTime } from "@/lib/format";
import { deviceOf } from "@/lib/device";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Loading } from "@/ui/basics";
import { toastProblem } from "@/ui/toasts";

export function Sessions() {
  const { t, language } = useWords();
  const queries = useQueryClient();
  const { data } = useQuery({ queryKey: ["sessions"], queryFn: () => got(api.GET("/api/v1/auth/sessions")) });
  const end = useMutation({
    mutationFn: (id: string) => got(api.DELETE("/api/v1/auth/sessions/{session_id}", { params: { path: { session_id: id } } })),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["sessions"] }),
    onError: toastProblem,
  });
  if (!data) return <Loading />;
  return (
    <Card title={t("settings.sessions")}>
      <ul className="grid gap-4">
        {data.items.map((each) => (
          <li key={each.id} className="flex min-w-0 items-center justify-between gap-3">
            <div className="min-w-0">
              <p className="truncate font-semibold"><span title={each.user_agent}>{deviceOf(each.user_agent)}</span> {each.current && <Badge tone="good">{t("settings.sessions.current")}</Badge>}</p>
              <p className="text-sm text-quiet">{t("settings.sessions.seen", { at: dateTime(language, each.seen_at), address: each.address })}</p>
            </div>
            {!each.current && <Button size="small" busy={end.isPending} onClick={() => end.mutate(each.id)}>{t("settings.sessions.end")}</Button>}
          </li>
        ))}
      </ul>
    </Card>
  );
}

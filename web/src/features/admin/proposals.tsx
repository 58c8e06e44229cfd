/** What lets somebody do more, until another administrator agrees or a day has passed: decision 61. */
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, got, type Schemas } from "@/api/client";
import { dateTime } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Badge, Button, Card } from "@/ui/basics";
import { toastProblem } from "@/ui/toasts";
import type { User } from "./manage-user";

type Proposal = Schemas["ProposalShown"];

export const proposals = queryOptions({ queryKey: ["proposals"], queryFn: () => got(api.GET("/api/v1/admin/proposals")) });

export function Proposals({ users }: { users: readonly User[] }) {
  const { t } = useWords();
  const { data } = useQuery(proposals);
  if (!data?.items.length) return null;
  return (
    <Card title={t("admin.proposals")}>
      <ul className="grid gap-3">{data.items.map((each) => <li key={each.user_id}><Waiting proposal={each} users={users} /></li>)}</ul>
    </Card>
  );
}

function Waiting({ proposal, users }: { proposal: Proposal; users: readonly User[] }) {
  const { t, language, named } = useWords();
  const queries = useQueryClient();
  const emailOf = (id: string): string => users.find((each) => each.id === id)?.email ?? id;
  const path = { user_id: proposal.user_id };
  const answer = useMutation({
    mutationFn: async (agrees: boolean) => {
      if (agrees) await got(api.POST("/api/v1/admin/proposals/{user_id}/approve", { params: { path } }));
      else await got(api.DELETE("/api/v1/admin/proposals/{user_id}", { params: { path } }));
    },
    onError: toastProblem,
    onSettled: () => Promise.all([["proposals"], ["users"]].map((queryKey) => queries.invalidateQueries({ queryKey }))),
  });
  const { role, permissions, effective_at } = proposal;
  return (
    <div className="flex flex-wrap items-center justify-between gap-2">
      <div className="min-w-0">
        <p className="flex flex-wrap items-center gap-1.5">
          <strong className="break-all">{emailOf(proposal.user_id)}</strong> <Badge>{named("role", role)}</Badge>
          {permissions.real && <Badge tone="warn">{t("account.live")}</Badge>}
          <Badge>{permissions.daily_trades_max === null ? t("admin.tradesAny") : t("admin.tradesOf", { count: permissions.daily_trades_max })}</Badge>
        </p>
        <p className="text-sm text-quiet">
          {t("admin.proposed", { by: emailOf(proposal.proposed_by), at: dateTime(language, proposal.proposed_at) })}{" "}
          {effective_at ? t("admin.effective", { at: dateTime(language, effective_at) }) : t("admin.needsAnother")}
        </p>
      </div>
      <div className="flex gap-2">
        <Button size="small" busy={answer.isPending} onClick={() => answer.mutate(false)}>{t("admin.withdraw")}</Button>
        {!effective_at && <Button size="small" look="main" busy={answer.isPending} onClick={() => answer.mutate(true)}>{t("admin.agree")}</Button>}
      </div>
    </div>
  );
}

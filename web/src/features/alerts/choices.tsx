/** Kind by kind, what goes to a channel at once, what waits for the digest, and what does not go there at all. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { useWords, WORDS, type Word } from "@/lib/words";
import { Loading } from "@/ui/basics";
import { Select } from "@/ui/form";
import { toastProblem } from "@/ui/toasts";

type Choice = Schemas["Choices"]["choices"][string];
const CHOICES: Choice[] = ["now", "digest", "off"];
const KIND = "choices.kind.";
/** The kinds there are words for: a test holds them against those of the platform. */
export const KINDS = Object.keys(WORDS).filter((word) => word.startsWith(KIND)).map((word) => word.slice(KIND.length));

export function ChannelChoices({ channel }: { channel: Schemas["ChannelShown"] }) {
  const { t } = useWords();
  const [open, setOpen] = useState(false);
  return (
    <details className="mt-3 border-t border-line pt-3" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="cursor-pointer text-sm font-semibold">{t("choices.title")}</summary>
      {open && <Choices id={channel.id} />}
    </details>
  );
}

function Choices({ id }: { id: string }) {
  const { t, named } = useWords();
  const queries = useQueryClient();
  const path = { channel_id: id };
  const queryKey = ["choices", id];
  const { data } = useQuery({ queryKey, queryFn: () => got(api.GET("/api/v1/notifications/channels/{channel_id}/choices", { params: { path } })) });
  const choose = useMutation({
    mutationFn: (choices: Record<string, Choice>) => got(api.PUT("/api/v1/notifications/channels/{channel_id}/choices", { params: { path }, body: { choices } })),
    onSuccess: (told) => queries.setQueryData(queryKey, told),
    onError: toastProblem,
  });
  if (!data) return <Loading />;
  return (
    <div className="mt-3 grid gap-3 sm:grid-cols-2">
      {KINDS.map((kind) => (
        <Select key={kind} name={kind} label={t(`${KIND}${kind}` as Word)} value={data.choices[kind] ?? "now"} disabled={choose.isPending}
          onText={(choice) => choose.mutate({ ...data.choices, [kind]: choice as Choice })} options={CHOICES.map((each) => [each, named("choices", each)])} />
      ))}
    </div>
  );
}

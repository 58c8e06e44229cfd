/** Addresses for alerts of charting programs: made, shown with their secret once, watched, and taken away. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { dateTime } from "@/lib/format";
import { retold } from "@/lib/retold";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Loading, Note, type Tone } from "@/ui/basics";
import { Copyable } from "@/ui/copyable";
import { Form, Input, Select } from "@/ui/form";
import { Tabs } from "@/ui/tabs";
import { toast, toastProblem } from "@/ui/toasts";
import { automations, hooks } from "./queries";

type Hook = Schemas["HookShown"];
const TONE: Record<Schemas["HookAlertShown"]["status"], Tone> = { queued: "accent", done: "good", refused: "bad" };

export function Hooks() {
  const { t } = useWords();
  const { data } = useQuery(hooks);
  const [made, setMade] = useState<Schemas["NewHook"] | null>(null);
  return (
    <div className="grid gap-4 lg:grid-cols-[20rem_1fr]">
      <NewHook onMade={setMade} />
      <div className="grid content-start gap-3">
        {made && <Made hook={made} onDone={() => setMade(null)} />}
        {!data ? <Loading /> : data.length === 0 ? <Card><Empty>{t("hook.empty")}</Empty></Card> : data.map((each) => <HookCard key={each.id} hook={each} />)}
      </div>
    </div>
  );
}

function NewHook({ onMade }: { onMade: (hook: Schemas["NewHook"]) => void }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const { data } = useQuery(automations);
  const [name, setName] = useState("TradingView");
  const [chosen, setChosen] = useState("");
  const [expected, setExpected] = useState("");
  const automationId = chosen || (data?.items[0]?.id ?? "");
  const create = useMutation({
    mutationFn: () => got(api.POST("/api/v1/trading/hooks", { body: { name: name.trim(), automation_id: automationId, expected_every_minutes: expected.trim() ? Number(expected) : null } })),
    onSuccess: (hook) => {
      onMade(hook);
      return queries.invalidateQueries({ queryKey: ["hooks"] });
    },
  });
  return (
    <Card title={t("hook.new")} className="self-start">
      {data?.items.length === 0 ? <Note tone="accent">{t("hook.noAutomation")}</Note> : (
        <Form onSubmit={() => create.mutate()} error={create.error} label={t("hook.new")}>
          <Input name="name" label={t("app.name")} value={name} onText={setName} />
          <Select name="automation_id" label={t("hook.automation")} value={automationId} onText={setChosen} options={(data?.items ?? []).map((each) => [each.id, each.name])} />
          <Input name="expected_every_minutes" label={<>{t("hook.expected")} {t("app.optional")}</>} inputMode="decimal" value={expected} onText={setExpected} hint={t("hook.expected.hint")} />
          <Button type="submit" look="main" disabled={!automationId} busy={create.isPending}>{t("hook.new")}</Button>
        </Form>
      )}
    </Card>
  );
}

/** The one time the secret is seen: it leaves the page with this card, and is kept nowhere in it. */
function Made({ hook, onDone }: { hook: Schemas["NewHook"]; onDone: () => void }) {
  const { t, named } = useWords();
  return (
    <Card title={hook.name} className="border-warn" actions={<Button size="small" look="quiet" onClick={onDone}>{t("app.close")}</Button>}>
      <div className="grid gap-4">
        <Note tone="warn"><strong>{t("hook.secret")}</strong><Copyable text={hook.secret} /></Note>
        <div><p className="text-sm text-quiet">{t("hook.url")}</p><Copyable text={`${location.origin}${hook.path}`} /></div>
        <div>
          <p className="mb-2 text-sm text-quiet">{t("hook.message")}</p>
          <Tabs label={t("hook.message")} tabs={Object.entries(hook.messages).map(([key, fields]) => ({
            key, name: named("hook.message", key), body: <Copyable text={JSON.stringify(fields, null, 2)} />,
          }))} />
        </div>
      </div>
    </Card>
  );
}

function HookCard({ hook }: { hook: Hook }) {
  const { t, language } = useWords();
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  const known = useQuery(automations).data?.items.find((each) => each.id === hook.automation_id);
  const drop = useMutation({
    mutationFn: () => got(api.DELETE("/api/v1/trading/hooks/{hook_id}", { params: { path: { hook_id: hook.id } } })),
    onSuccess: () => {
      toast(t("hook.deleted"));
      return queries.invalidateQueries({ queryKey: ["hooks"] });
    },
    onError: toastProblem,
  });
  return (
    <Card title={<>{hook.name} <span className="text-sm font-normal text-quiet">→ {known?.name}</span></>}
      actions={<Button size="small" look="quiet" busy={drop.isPending} onClick={() => drop.mutate()} aria-label={`${t("app.delete")} ${hook.name}`}>✕</Button>}>
      <p className="text-sm text-quiet">{hook.heard_at ? t("hook.heard", { at: dateTime(language, hook.heard_at) }) : t("hook.silent")}</p>
      <Copyable text={`${location.origin}${hook.path}`} />
      <details className="mt-3" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary className="cursor-pointer text-sm font-semibold">{t("hook.alerts")}</summary>
        {open && <Alerts hookId={hook.id} />}
      </details>
    </Card>
  );
}

function Alerts({ hookId }: { hookId: string }) {
  const { t, language, named } = useWords();
  const { data } = useQuery({ queryKey: ["hooks", hookId, "alerts"], queryFn: () => got(api.GET("/api/v1/trading/hooks/{hook_id}/alerts", { params: { path: { hook_id: hookId } } })), refetchInterval: 5_000 });
  if (!data) return <Loading />;
  if (data.length === 0) return <p className="py-3 text-sm text-quiet">{t("hook.alerts.empty")}</p>;
  return (
    <ul className="mt-2 grid gap-2">
      {data.map((each, at) => (
        <li key={`${each.received_at} ${at}`} className="grid gap-1 border-t border-line pt-2 text-sm">
          <span className="flex flex-wrap items-center gap-2"><span className="num text-quiet">{dateTime(language, each.received_at)}</span> <Badge tone={TONE[each.status]}>{named("hook.alert", each.status)}</Badge> {each.detail && retold(language, each.detail)}</span>
          <code className="text-xs break-all text-quiet">{JSON.stringify(each.body)}</code>
        </li>
      ))}
    </ul>
  );
}

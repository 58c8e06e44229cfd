/** Setting up an automation, in the order one thinks of it: what, when, with how much, how far, and whether it asks. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { api, got, onceOnly } from "@/api/client";
import { strategies } from "@/api/queries";
import { useAccount } from "@/features/accounts/current";
import { FirstAccount } from "@/features/accounts/first-account";
import { money } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Button, Card, Loading, Note, PageTitle } from "@/ui/basics";
import { Form, Input, Segments, Select } from "@/ui/form";
import { toast } from "@/ui/toasts";
import { ALONE, type AutomationForm, eachPosition, FRESH, type Interval, type Mode, requestOf } from "./automation-form";
import { Universe } from "./universe";
import { WEEKDAYS, weekdayName } from "./weekdays";

const INTERVALS: Interval[] = ["1d", "1h", "15m", "5m", "1m"];
const MODES: Mode[] = ["notify", "ask", "automatic"];

interface PartProps { form: AutomationForm; set: (changes: Partial<AutomationForm>) => void }

export function NewAutomation() {
  const { t } = useWords();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { current, loading } = useAccount();
  const [written, setWritten] = useState<AutomationForm>(FRESH);
  // One key for one wish: sent again because its answer was lost it counts once, and a changed wish is another.
  const sent = useRef({ wish: "", key: onceOnly() });
  const form = { ...written, accountId: written.accountId || (current?.id ?? "") };
  const set = (changes: Partial<AutomationForm>): void => setWritten((before) => ({ ...before, ...changes }));
  const create = useMutation({
    mutationFn: () => {
      const body = requestOf(form);
      const wish = JSON.stringify(body);
      if (wish !== sent.current.wish) sent.current = { wish, key: onceOnly() };
      return got(api.POST("/api/v1/trading/automations", { headers: sent.current.key, body }));
    },
    onSuccess: async (made) => {
      await queries.invalidateQueries({ queryKey: ["automations"] });
      toast(t("auto.created"), "good");
      await navigate({ to: "/automations/$automationId", params: { automationId: made.id } });
    },
  });
  if (loading) return <Loading />;
  if (!current) return <FirstAccount />;
  return (
    <Form onSubmit={() => create.mutate()} error={create.error} label={t("auto.new")}>
      <PageTitle actions={<Button type="submit" look="main" busy={create.isPending}>{t("auto.create")}</Button>}>{t("auto.new")}</PageTitle>
      <div className="grid gap-4 lg:grid-cols-2">
        <div className="grid content-start gap-4"><What form={form} set={set} /><Answer form={form} set={set} /></div>
        <div className="grid content-start gap-4"><When form={form} set={set} /><Limits form={form} set={set} /></div>
      </div>
    </Form>
  );
}

function What({ form, set }: PartProps) {
  const { t, language } = useWords();
  const { all } = useAccount();
  const { data } = useQuery(strategies);
  const published = (data?.items ?? []).filter((each) => each.version);
  const newest = published.find((each) => each.id === form.strategyId)?.version ?? 0;
  const account = all.find((each) => each.id === form.accountId);
  const many = Boolean(published.find((one) => one.id === form.strategyId)?.portfolio);
  const each = eachPosition(form);
  return (
    <Card title={t("auto.what")}>
      <div className="grid gap-4">
        <Input name="name" label={t("auto.name")} value={form.name} onText={(name) => set({ name })} />
        <Select name="account_id" label={t("auto.account")} value={form.accountId} onText={(accountId) => set({ accountId })}
          options={all.map((one) => [one.id, `${t(one.kind === "live" ? "account.live" : "account.paper")} · ${one.name} (${one.currency})`])} />
        {data && published.length === 0 && <Note tone="accent">{t("auto.noStrategy")}</Note>}
        <div className="grid grid-cols-[1fr_7rem] gap-3">
          <Select name="strategy_id" label={t("auto.strategy")} value={form.strategyId}
            onText={(strategyId) => {
              const chosen = published.find((one) => one.id === strategyId);
              set({ strategyId, version: String(chosen?.version ?? ""), ...(chosen?.portfolio ? ALONE : {}) });
            }}
            options={[["", t("auto.strategy.hook")], ...published.map((one) => [one.id, one.name] as const)]} />
          <Select name="version" label={t("auto.version")} value={form.version} onText={(version) => set({ version })} disabled={!newest}
            options={newest ? Array.from({ length: newest }, (_, ago) => [String(newest - ago), String(newest - ago)] as const) : [["", "–"]]} />
        </div>
        {many ? <Note tone="accent" role="status">{t("auto.many")}</Note> : <Universe text={form.symbols} onText={(symbols) => set({ symbols })} />}
        <div className="grid grid-cols-2 gap-3">
          <Input name="capital" label={t("auto.capital")} inputMode="decimal" value={form.capital} onText={(capital) => set({ capital })}
            hint={each && account ? t("auto.each", { amount: money(language, each, account.currency) }) : null} />
          {!many && <Input name="positions_max" label={t("auto.positions")} inputMode="decimal" value={form.positions} onText={(positions) => set({ positions })} />}
        </div>
      </div>
    </Card>
  );
}

function When({ form, set }: PartProps) {
  const { t, language, named } = useWords();
  const toggle = (day: number): void => set({ weekdays: form.weekdays.includes(day) ? form.weekdays.filter((each) => each !== day) : [...form.weekdays, day] });
  return (
    <Card title={t("auto.schedule")}>
      <div className="grid gap-4">
        <Select name="interval" label={t("auto.interval")} value={form.interval} onText={(interval) => set({ interval: interval as Interval })} options={INTERVALS.map((each) => [each, named("auto.interval", each)])} />
        <div role="group" aria-label={t("auto.weekdays")} className="grid gap-1">
          <span aria-hidden="true" className="text-sm font-medium text-quiet">{t("auto.weekdays")}</span>
          <div className="flex flex-wrap gap-1.5">
            {WEEKDAYS.map((day) => (
              <button key={day} type="button" aria-pressed={form.weekdays.includes(day)} onClick={() => toggle(day)}
                className="min-h-10 min-w-10 rounded-lg border border-line px-2 text-sm font-semibold text-quiet aria-pressed:border-accent aria-pressed:text-accent">{weekdayName(language, day)}</button>
            ))}
          </div>
        </div>
        <div className="grid grid-cols-2 gap-3">
          <Input name="not_before" type="time" label={<>{t("auto.notBefore")} {t("app.optional")}</>} value={form.notBefore} onText={(notBefore) => set({ notBefore })} />
          <Input name="not_after" type="time" label={<>{t("auto.notAfter")} {t("app.optional")}</>} value={form.notAfter} onText={(notAfter) => set({ notAfter })} />
        </div>
        <p className="text-xs text-quiet">{t("auto.window.hint")}</p>
        <Input name="history_from" type="date" label={<>{t("auto.historyFrom")} {t("app.optional")}</>} value={form.historyFrom} onText={(historyFrom) => set({ historyFrom })} hint={t("auto.historyFrom.hint")} />
      </div>
    </Card>
  );
}

function Limits({ form, set }: PartProps) {
  const { t } = useWords();
  return (
    <Card title={<>{t("auto.limits")} <span className="text-sm font-normal text-quiet">{t("app.optional")}</span></>}>
      <div className="grid grid-cols-2 items-end gap-3">
        <Input name="order_value_max" label={t("auto.orderMax")} inputMode="decimal" placeholder={t("auto.none")} value={form.orderMax} onText={(orderMax) => set({ orderMax })} />
        <Input name="orders_per_day_max" label={t("auto.ordersMax")} inputMode="decimal" placeholder={t("auto.none")} value={form.ordersMax} onText={(ordersMax) => set({ ordersMax })} />
        <Input name="daily_loss_max" label={t("auto.lossMax")} inputMode="decimal" placeholder={t("auto.none")} value={form.lossMax} onText={(lossMax) => set({ lossMax })} />
        <Input name="cool_off_minutes" label={t("auto.coolOff")} inputMode="decimal" value={form.coolOff} onText={(coolOff) => set({ coolOff })} />
      </div>
    </Card>
  );
}

const WHY = { notify: "auto.mode.notify.why", ask: "auto.mode.ask.why", automatic: "auto.mode.automatic.why" } as const;

function Answer({ form, set }: PartProps) {
  const { t, named } = useWords();
  const { all } = useAccount();
  const live = all.find((each) => each.id === form.accountId)?.kind === "live";
  return (
    <Card title={t("auto.mode")}>
      <div className="grid gap-3">
        <Segments grow label={t("auto.mode")} value={form.mode} onChange={(mode) => set({ mode })} options={MODES.map((each) => [each, named("auto.mode", each)])} />
        <p className="text-sm text-quiet">{t(WHY[form.mode])}</p>
        {form.mode === "ask" && <Input name="answer_seconds" label={t("auto.answer")} inputMode="decimal" value={form.answerSeconds} onText={(answerSeconds) => set({ answerSeconds })} className="w-44" />}
        {live && form.mode === "automatic" && <Note tone="bad" role="alert">{t("auto.mode.live")}</Note>}
      </div>
    </Card>
  );
}

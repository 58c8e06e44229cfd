/** A new alert: on a figure that is reached, or on a rule that holds when a bar closes. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { RuleField } from "@/features/strategies/rule-field";
import { useWords } from "@/lib/words";
import { Button, Card } from "@/ui/basics";
import { Form, Input, Select, Toggle } from "@/ui/form";
import { toast } from "@/ui/toasts";

type Alert = Schemas["AlertShown"];
type Interval = NonNullable<Alert["interval"]>;
const CONDITIONS: Alert["condition"][] = ["price_above", "price_below", "change_above", "change_below", "volume_above", "rule"];
const INTERVALS: Interval[] = ["1d", "1h", "15m", "5m", "1m"];
const FRESH = { symbol: "", condition: "price_above" as Alert["condition"], value: "", rule: "", interval: "1d" as Interval, repeat: false, pauseMinutes: "5", until: "" };

function wishOf({ symbol, condition, value, rule, interval, repeat, pauseMinutes, until }: typeof FRESH): Schemas["AlertWish"] {
  return {
    symbol: symbol.trim(),
    condition,
    ...(condition === "rule" ? { rule: rule.trim(), interval } : { value }),
    repeat,
    ...(repeat ? { pause_seconds: Number(pauseMinutes) * 60 } : {}),
    ...(until ? { expires_at: new Date(until).toISOString() } : {}),
  };
}

export function NewAlert() {
  const { t, named } = useWords();
  const queries = useQueryClient();
  const [form, setForm] = useState(FRESH);
  const set = (changes: Partial<typeof FRESH>): void => setForm((before) => ({ ...before, ...changes }));
  const create = useMutation({
    mutationFn: () => got(api.POST("/api/v1/alerts", { body: wishOf(form) })),
    onSuccess: () => {
      toast(t("alerts.created"), "good");
      set({ value: "", rule: "" });
      return queries.invalidateQueries({ queryKey: ["alerts"] });
    },
  });
  return (
    <Card title={t("alerts.new")} className="self-start">
      <Form onSubmit={() => create.mutate()} error={create.error} label={t("alerts.new")}>
        <Input name="symbol" label={t("backtest.symbol")} value={form.symbol} onText={(symbol) => set({ symbol })} placeholder="005930, AAPL" />
        <Select name="condition" label={t("alerts.condition")} value={form.condition} onText={(text) => set({ condition: text as Alert["condition"] })} options={CONDITIONS.map((each) => [each, named("condition", each)])} />
        {form.condition === "rule" ? (
          <>
            <RuleField name="rule" label={t("alerts.rule")} value={form.rule} onText={(rule) => set({ rule })} />
            <Select name="interval" label={t("auto.interval")} value={form.interval} onText={(text) => set({ interval: text as Interval })} options={INTERVALS.map((each) => [each, t(`auto.interval.${each}`)])} />
          </>
        ) : <Input name="value" label={t("alerts.value")} inputMode="decimal" value={form.value} onText={(value) => set({ value })} />}
        <Toggle label={t("alerts.repeat")} on={form.repeat} onChange={(repeat) => set({ repeat })} />
        {form.repeat && <Input name="pause_seconds" label={t("alerts.pause")} type="number" min={1} value={form.pauseMinutes} onText={(pauseMinutes) => set({ pauseMinutes })} />}
        <Input name="expires_at" label={<>{t("alerts.until")} {t("app.optional")}</>} type="datetime-local" value={form.until} onText={(until) => set({ until })} />
        <Button type="submit" look="main" busy={create.isPending}>{t("alerts.new")}</Button>
      </Form>
    </Card>
  );
}

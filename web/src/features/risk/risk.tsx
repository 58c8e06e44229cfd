/** One's own bounds on what orders may do, and everything that is stopped. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { halts } from "@/api/queries";
import { useAccount } from "@/features/accounts/current";
import { useHomeMarket } from "@/features/market/home";
import { dateTime } from "@/lib/format";
import { useWords, type Word } from "@/lib/words";
import { Badge, Button, Card, Empty, Loading, Note, PageTitle } from "@/ui/basics";
import { Form, Input, Segments, Select } from "@/ui/form";
import { toast, toastProblem } from "@/ui/toasts";

type Limits = Schemas["LimitsShown"];
type Bound = Exclude<keyof Limits, "restricted_symbols">;
const AMOUNTS = ["order_value_max", "order_quantity_max", "price_distance_max_percent", "position_value_max", "position_weight_max_percent", "leverage_max", "daily_loss_max", "open_value_max"] as const;
const COUNTS = ["daily_trades_max", "open_orders_max", "orders_per_second_max", "duplicate_seconds"] as const;

export function Risk() {
  const { t } = useWords();
  const { all } = useAccount();
  const [scope, setScope] = useState("");
  const [picked, setCurrency] = useState<"KRW" | "USD" | null>(null);
  const usual = useHomeMarket() === "US" ? "USD" : "KRW";
  const currency = picked ?? usual;
  const { data } = useQuery({ queryKey: ["limits", scope, currency], queryFn: () => got(api.GET("/api/v1/trading/risk-limits", { params: { query: { account_id: scope || undefined, currency } } })) });
  return (
    <>
      <PageTitle>{t("nav.risk")}</PageTitle>
      <div className="grid gap-4 lg:grid-cols-[1fr_20rem]">
        <Card title={t("risk.limits")}>
          <p className="mb-4 text-sm text-quiet">{t("risk.limits.hint")}</p>
          <div className="mb-4 flex flex-wrap items-end gap-3">
            <Select name="account_id" label={t("risk.scope")} value={scope} onText={setScope} options={[["", t("risk.scope.all")], ...all.map((each) => [each.id, each.name] as const)]} />
            <Segments label={t("account.currency")} value={currency} onChange={setCurrency} options={[["KRW", "KRW"], ["USD", "USD"]]} />
          </div>
          {data ? <LimitsForm key={JSON.stringify(data)} answer={data} scope={scope} currency={currency} /> : <Loading />}
        </Card>
        <Halts />
      </div>
    </>
  );
}

function LimitsForm({ answer, scope, currency }: { answer: Schemas["LimitsAnswer"]; scope: string; currency: "KRW" | "USD" }) {
  const { t, language } = useWords();
  const queries = useQueryClient();
  const text = (name: Bound): string => (answer.limits[name] === null || answer.limits[name] === undefined ? "" : String(answer.limits[name]));
  const [form, setForm] = useState(() => Object.fromEntries([...AMOUNTS, ...COUNTS].map((name) => [name, text(name)])) as Record<Bound, string>);
  const [restricted, setRestricted] = useState((answer.limits.restricted_symbols ?? []).join(", "));
  const save = useMutation({
    mutationFn: () => {
      const amounts = Object.fromEntries(AMOUNTS.map((name) => [name, form[name].trim() || null]));
      const counts = Object.fromEntries(COUNTS.map((name) => [name, form[name].trim() ? Number(form[name]) : null]));
      const restricted_symbols = restricted.split(",").map((each) => each.trim()).filter(Boolean);
      return got(api.PUT("/api/v1/trading/risk-limits", { body: { account_id: scope || null, currency, ...amounts, ...counts, restricted_symbols } }));
    },
    onSuccess: () => {
      toast(t("risk.saved"), "good");
      return queries.invalidateQueries({ queryKey: ["limits"] });
    },
  });
  return (
    <Form onSubmit={() => save.mutate()} error={save.error} label={t("risk.limits")}>
      {answer.pending && <Note tone="warn">{t("risk.pending", { at: dateTime(language, answer.pending.effective_at) })}</Note>}
      <div className="grid gap-3 sm:grid-cols-2">
        {[...AMOUNTS, ...COUNTS].map((name) => (
          <Input key={name} name={name} label={t(`limit.${name}` as Word, { currency })} inputMode="decimal" value={form[name]} onText={(value) => setForm((before) => ({ ...before, [name]: value }))} />
        ))}
      </div>
      <Input name="restricted_symbols" label={t("limit.restricted_symbols")} value={restricted} onText={setRestricted} placeholder="005930, AAPL" />
      <Button type="submit" look="main" className="w-fit" busy={save.isPending}>{t("app.save")}</Button>
    </Form>
  );
}

function Halts() {
  const { t, language, named } = useWords();
  const queries = useQueryClient();
  const { data } = useQuery(halts);
  const resume = useMutation({
    mutationFn: (halt: Schemas["HaltShown"]) => got(api.POST("/api/v1/trading/resume", { body: { level: halt.level, ...(halt.level === "account" ? { account_id: halt.scope_id } : {}), ...(halt.level === "strategy" ? { strategy_id: halt.scope_id } : {}) } })),
    onSuccess: () => {
      toast(t("kill.resumed"), "good");
      return queries.invalidateQueries();
    },
    onError: toastProblem,
  });
  return (
    <Card title={t("risk.halts")} className="self-start">
      {data?.items.length === 0 && <Empty>{t("risk.halts.none")}</Empty>}
      <ul className="grid gap-4">
        {data?.items.map((halt) => (
          <li key={`${halt.level}${halt.scope_id}`} className="grid gap-2">
            <Badge tone="bad">{named("kill.level", halt.level)}</Badge>
            <p className="text-sm">{t("kill.since", { at: dateTime(language, halt.halted_at), mode: named("kill.mode", halt.mode) })}</p>
            {halt.reason && <p className="text-sm text-quiet">{halt.reason}</p>}
            {halt.level !== "global" && <Button busy={resume.isPending} onClick={() => resume.mutate(halt)}>{t("kill.resume")}</Button>}
          </li>
        ))}
      </ul>
      {Boolean(data?.items.length) && <p className="mt-4 text-xs text-quiet">{t("kill.resume.hint")}</p>}
    </Card>
  );
}

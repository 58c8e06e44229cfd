/** What to try: a strategy on one stock, or a portfolio on its universe; and what an account would have let it do. */
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { strategies } from "@/api/queries";
import { type Account, useAccount } from "@/features/accounts/current";
import { useWords } from "@/lib/words";
import { Button } from "@/ui/basics";
import { Form, Input, Select } from "@/ui/form";
import { useGo } from "./go";
import { tightest } from "./limits";

interface Range { symbol: string; from: string; to: string; cash: string }
const NO_RANGE: Range = { symbol: "", from: "", to: "", cash: "10000000" };

function RangeFields({ range, set, many }: { range: Range; set: (changes: Partial<Range>) => void; many?: boolean }) {
  const { t } = useWords();
  return (
    <>
      {!many && <Input name="symbol" label={t("backtest.symbol")} value={range.symbol} onText={(symbol) => set({ symbol })} autoCapitalize="characters" placeholder="005930, AAPL" />}
      <div className="grid grid-cols-2 gap-3">
        <Input name="from" label={t("backtest.from")} type="date" value={range.from} onText={(from) => set({ from })} hint={many ? t("many.days") : null} />
        <Input name="to" label={t("backtest.to")} type="date" value={range.to} onText={(to) => set({ to })} />
      </div>
      <Input name="initial_cash" label={t("backtest.cash")} inputMode="decimal" value={range.cash} onText={(cash) => set({ cash })} />
    </>
  );
}

type Engine = NonNullable<Schemas["BacktestIn"]["engine"]>;
const ENGINES: readonly Engine[] = ["compiled", "event_driven"];

/** The limits that hold for an account now, copied, so that the run is the same whatever becomes of the account. */
async function limitsOf(account: Account): Promise<Schemas["RunLimits"]> {
  const ask = (account_id?: string) => got(api.GET("/api/v1/trading/risk-limits", { params: { query: { account_id, currency: account.currency } } }));
  const [own, everywhere] = await Promise.all([ask(account.id), ask()]);
  return tightest([own.limits, everywhere.limits]);
}

export function BacktestForm({ strategyId }: { strategyId: string }) {
  const { t, named } = useWords();
  const go = useGo();
  const { data } = useQuery(strategies);
  const [strategy, setStrategy] = useState(strategyId);
  const [range, setRange] = useState(NO_RANGE);
  const [engine, setEngine] = useState<Engine>("compiled");
  const { all } = useAccount();
  const [accountId, setAccountId] = useState("");
  const account = engine === "event_driven" ? all.find((each) => each.id === accountId) : undefined;
  const many = Boolean(data?.items.find((each) => each.id === strategy)?.portfolio);
  const run = useMutation({
    mutationFn: async () => {
      const risk_limits = account ? await limitsOf(account) : null;
      return got(api.POST("/api/v1/backtest/run", { body: { strategy_id: strategy, symbol: many ? null : range.symbol.trim(), from: range.from || null, to: range.to || null, initial_cash: range.cash, engine, risk_limits } }));
    },
    onSuccess: go,
  });
  return (
    <Form onSubmit={() => run.mutate()} error={run.error} label={t("backtest.new")}>
      <Select name="strategy_id" label={t("backtest.strategy")} value={strategy} onText={setStrategy} options={[["", "–"], ...(data?.items ?? []).map((each) => [each.id, each.name] as const)]} />
      <RangeFields many={many} range={range} set={(changes) => setRange((before) => ({ ...before, ...changes }))} />
      <Select name="engine" label={t("backtest.engine")} value={engine} onText={(value) => setEngine(value as Engine)} options={ENGINES.map((each) => [each, named("backtest.engine", each)])} />
      {engine === "event_driven" && (
        <Select name="risk_limits" label={t("backtest.limits")} value={account?.id ?? ""} onText={setAccountId} hint={t("backtest.limits.hint")}
          options={[["", t("backtest.limits.none")], ...all.map((each) => [each.id, `${each.name} (${each.currency})`] as const)]} />
      )}
      <Button type="submit" look="main" busy={run.isPending}>{t("backtest.run")}</Button>
    </Form>
  );
}

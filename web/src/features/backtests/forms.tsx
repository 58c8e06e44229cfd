/** What to try: one strategy on one stock, or a rule with many values for what stands in braces. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { strategies } from "@/api/queries";
import { RuleField } from "@/features/strategies/rule-field";
import { useWords } from "@/lib/words";
import { Button } from "@/ui/basics";
import { Area, Form, Input, Select } from "@/ui/form";
import { parseValues } from "./sweep-values";

function useGo() {
  const navigate = useNavigate();
  const queries = useQueryClient();
  return async (job: Schemas["Job"]): Promise<void> => {
    await queries.invalidateQueries({ queryKey: ["runs"] });
    await navigate({ to: "/backtests/$runId", params: { runId: job.id } });
  };
}

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

export function BacktestForm({ strategyId }: { strategyId: string }) {
  const { t, named } = useWords();
  const go = useGo();
  const { data } = useQuery(strategies);
  const [strategy, setStrategy] = useState(strategyId);
  const [range, setRange] = useState(NO_RANGE);
  const [engine, setEngine] = useState<Engine>("compiled");
  const many = Boolean(data?.items.find((each) => each.id === strategy)?.portfolio);
  const run = useMutation({
    mutationFn: () => got(api.POST("/api/v1/backtest/run", { body: { strategy_id: strategy, symbol: many ? null : range.symbol.trim(), from: range.from || null, to: range.to || null, initial_cash: range.cash, engine } })),
    onSuccess: go,
  });
  return (
    <Form onSubmit={() => run.mutate()} error={run.error} label={t("backtest.new")}>
      <Select name="strategy_id" label={t("backtest.strategy")} value={strategy} onText={setStrategy} options={[["", "–"], ...(data?.items ?? []).map((each) => [each.id, each.name] as const)]} />
      <RangeFields many={many} range={range} set={(changes) => setRange((before) => ({ ...before, ...changes }))} />
      <Select name="engine" label={t("backtest.engine")} value={engine} onText={(value) => setEngine(value as Engine)} options={ENGINES.map((each) => [each, named("backtest.engine", each)])} />
      <Button type="submit" look="main" busy={run.isPending}>{t("backtest.run")}</Button>
    </Form>
  );
}

const OBJECTIVES: NonNullable<Schemas["SweepIn"]["objective"]>[] = ["total_return", "sharpe", "sortino", "calmar", "cagr", "max_drawdown", "win_rate", "profit_factor"];

export function SweepForm() {
  const { t, named } = useWords();
  const go = useGo();
  const [range, setRange] = useState(NO_RANGE);
  const [entry, setEntry] = useState("crosses_above(sma({fast}), sma({slow}))");
  const [exit, setExit] = useState("crosses_below(sma({fast}), sma({slow}))");
  const [text, setText] = useState("fast: 5, 10, 15, 20\nslow: 40, 60, 80, 100");
  const [objective, setObjective] = useState(OBJECTIVES[0] ?? "total_return");
  const parsed = parseValues(text);
  const sweep = useMutation({
    mutationFn: () =>
      got(api.POST("/api/v1/backtest/optimize", {
        body: { symbol: range.symbol.trim(), from: range.from || null, to: range.to || null, initial_cash: range.cash, entry, exit, objective, parameters: ("values" in parsed ? parsed.values : {}) as never },
      })),
    onSuccess: go,
  });
  return (
    <Form onSubmit={() => "values" in parsed && sweep.mutate()} error={sweep.error} label={t("backtest.sweep")}>
      <RuleField name="entry" label={t("strategy.entry")} value={entry} onText={setEntry} parameters />
      <RuleField name="exit" label={t("strategy.exit")} value={exit} onText={setExit} parameters />
      <Area name="parameters" label={t("sweep.parameters")} rows={3} value={text} onText={setText} problem={"line" in parsed ? t("sweep.parameters.bad", { line: parsed.line }) : null} hint={t("sweep.parameters.hint", { gap: "{fast}" })} />
      <Select name="objective" label={t("sweep.objective")} value={objective} onText={(value) => setObjective(value as typeof objective)} options={OBJECTIVES.map((each) => [each, named("objective", each)])} />
      <RangeFields range={range} set={(changes) => setRange((before) => ({ ...before, ...changes }))} />
      <Button type="submit" look="main" busy={sweep.isPending}>{t("backtest.run")}</Button>
    </Form>
  );
}

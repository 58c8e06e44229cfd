/** Many values for what stands in braces: which were best, or what choosing them would have earned on days not chosen on. */
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { PortfolioFields } from "@/features/strategies/portfolio-fields";
import { RuleField } from "@/features/strategies/rule-field";
import { useWords } from "@/lib/words";
import { Button } from "@/ui/basics";
import { Area, Form, Input, Segments, Select } from "@/ui/form";
import { useGo } from "./go";
import { foldsOf, FRESH, groundOf, movedToMany, movedToTest, type Objective, objectivesOf, type SearchForm, type Test, TESTS, windowsOf } from "./search-form";
import { parseValues, type Values } from "./sweep-values";

function asked(form: SearchForm, values: Values): Promise<Schemas["Job"]> {
  const { objective } = form;
  const ground = groundOf(form, values);
  switch (form.test) {
    case "walk_forward": return got(api.POST("/api/v1/backtest/walk-forward", { body: { ...ground, objective, ...windowsOf(form) } }));
    case "cross_validate": return got(api.POST("/api/v1/backtest/cross-validate", { body: { ...ground, objective: objective as "sharpe", ...foldsOf(form) } }));
    default: return got(api.POST("/api/v1/backtest/optimize", { body: { ...ground, objective } }));
  }
}

export function Search() {
  const { t, named } = useWords();
  const go = useGo();
  const [form, setForm] = useState(FRESH);
  const set = (changes: Partial<SearchForm>): void => setForm((before) => ({ ...before, ...changes }));
  const parsed = parseValues(form.values);
  const search = useMutation({ mutationFn: (values: Values) => asked(form, values), onSuccess: go });
  const { many, test } = form;
  return (
    <Form onSubmit={() => "values" in parsed && search.mutate(parsed.values)} error={search.error} label={t("backtest.sweep")}>
      <Select name="test" label={t("search.test")} value={test} onText={(value) => setForm(movedToTest(form, value as Test))} options={TESTS.map((each) => [each, named("backtest.kind", each)])} hint={t(`search.why.${test}`)} />
      <Segments grow label={t("many.which")} value={many ? "many" : "one"} options={[["one", t("many.one")], ["many", t("many.many")]]} onChange={(value) => setForm(movedToMany(form, value === "many"))} />
      <RuleField name="entry" label={t(many ? "many.entry" : "strategy.entry")} value={form.entry} onText={(entry) => set({ entry })} parameters />
      <RuleField name="exit" label={t(many ? "many.exit" : "strategy.exit")} value={form.exit} onText={(exit) => set({ exit })} parameters />
      {many && <PortfolioFields form={form.portfolio} onForm={(portfolio) => set({ portfolio })} parameters />}
      <Area name="parameters" label={t("sweep.parameters")} rows={3} value={form.values} onText={(values) => set({ values })} problem={"line" in parsed ? t("sweep.parameters.bad", { line: parsed.line }) : null} hint={t("sweep.parameters.hint", { gap: "{fast}" })} />
      <Select name="objective" label={t("sweep.objective")} value={form.objective} onText={(value) => set({ objective: value as Objective })} options={objectivesOf(test).map((each) => [each, named("objective", each)])} />
      {test === "walk_forward" && (
        <div className="grid grid-cols-2 items-end gap-3">
          <Input name="train_bars" label={t("search.train")} inputMode="decimal" value={form.trainBars} onText={(trainBars) => set({ trainBars })} />
          <Input name="test_bars" label={t("search.tested")} inputMode="decimal" value={form.testBars} onText={(testBars) => set({ testBars })} />
        </div>
      )}
      {test === "cross_validate" && (
        <div className="grid grid-cols-2 items-end gap-3">
          <Input name="folds" label={t("search.folds")} inputMode="decimal" value={form.folds} onText={(folds) => set({ folds })} />
          <Input name="purge_bars" label={t("search.purge")} inputMode="decimal" value={form.purgeBars} onText={(purgeBars) => set({ purgeBars })} />
        </div>
      )}
      {!many && <Input name="symbol" label={t("backtest.symbol")} value={form.symbol} onText={(symbol) => set({ symbol })} autoCapitalize="characters" placeholder="005930, AAPL" />}
      <div className="grid grid-cols-2 gap-3">
        <Input name="from" label={t("backtest.from")} type="date" value={form.from} onText={(from) => set({ from })} hint={many ? t("many.days") : null} />
        <Input name="to" label={t("backtest.to")} type="date" value={form.to} onText={(to) => set({ to })} />
      </div>
      <Input name="initial_cash" label={t("backtest.cash")} inputMode="decimal" value={form.cash} onText={(cash) => set({ cash })} />
      <Button type="submit" look="main" busy={search.isPending}>{t("backtest.run")}</Button>
    </Form>
  );
}

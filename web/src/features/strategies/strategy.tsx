/** Writing a strategy: when to buy, when to sell, and with how much. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { explain } from "@/api/problem";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Loading, PageTitle } from "@/ui/basics";
import { Form, Input, Segments } from "@/ui/form";
import { toast, toastProblem } from "@/ui/toasts";
import { BLANK, documentOf, formOf, type StrategyForm } from "./document";
import { PortfolioFields } from "./portfolio-fields";
import { RuleField } from "./rule-field";

export function StrategyPage() {
  const { strategyId = "new" } = useParams({ strict: false });
  const { language } = useWords();
  const known = useQuery({
    queryKey: ["strategy", strategyId],
    queryFn: () => got(api.GET("/api/v1/backtest/strategies/{strategy_id}", { params: { path: { strategy_id: strategyId } } })),
    enabled: strategyId !== "new",
  });
  if (strategyId === "new") return <Editor key="new" saved={null} />;
  if (known.error) return <Empty>{explain(known.error, language)}</Empty>;
  return known.data ? <Editor key={strategyId} saved={known.data} /> : <Loading />;
}

function Editor({ saved }: { saved: Schemas["StrategyOut"] | null }) {
  const { t } = useWords();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [form, setForm] = useState<StrategyForm>(saved ? formOf(saved) : BLANK);
  const set = (name: keyof StrategyForm) => (text: string) => setForm((before) => ({ ...before, [name]: text }));
  const reread = () => Promise.all([["strategies"], ["strategy", saved?.id]].map((queryKey) => queries.invalidateQueries({ queryKey })));
  const save = useMutation({
    mutationFn: () =>
      saved
        ? got(api.PUT("/api/v1/backtest/strategies/{strategy_id}", { params: { path: { strategy_id: saved.id } }, body: documentOf(form) }))
        : got(api.POST("/api/v1/backtest/strategies", { body: documentOf(form) })),
    onSuccess: async (made) => {
      toast(t("app.saved"), "good");
      await reread();
      if (!saved) await navigate({ to: "/strategies/$strategyId", params: { strategyId: made.id } });
    },
  });
  const publish = useMutation({
    mutationFn: (id: string) => got(api.POST("/api/v1/backtest/strategies/{strategy_id}/publish", { params: { path: { strategy_id: id } } })),
    onSuccess: ({ version }) => {
      toast(t("strategy.published", { version }), "good");
      return reread();
    },
    onError: toastProblem,
  });
  return (
    <Form onSubmit={() => save.mutate()} error={save.error} label={t("strategy.new")}>
      <PageTitle actions={
        <>
          {saved && <Button asChild><Link to="/backtests" search={{ strategy: saved.id } as never}>{t("strategy.backtest")}</Link></Button>}
          {saved && <Button busy={publish.isPending} onClick={() => publish.mutate(saved.id)}>{t("strategy.publish")}</Button>}
          <Button type="submit" look="main" busy={save.isPending}>{t("strategy.save")}</Button>
        </>
      }>{saved ? <span className="flex flex-wrap items-center gap-2">{saved.name} <Version of={saved} /></span> : t("strategy.new")}</PageTitle>
      <Segments label={t("many.which")} value={form.many ? "many" : "one"} options={[["one", t("many.one")], ["many", t("many.many")]]} onChange={(kind) => setForm((before) => ({ ...before, many: kind === "many" }))} />
      <div className="grid gap-4 lg:grid-cols-2">
        <Card>
          <div className="grid gap-4">
            <Input name="name" label={t("strategy.name")} value={form.name} onText={set("name")} />
            <Input name="description" label={<>{t("strategy.description")} {t("app.optional")}</>} value={form.description} onText={set("description")} />
            <RuleField figures={form.many} name="entry" label={t(form.many ? "many.entry" : "strategy.entry")} value={form.entry} onText={set("entry")} />
            <RuleField figures={form.many} name="exit" label={t(form.many ? "many.exit" : "strategy.exit")} value={form.exit} onText={set("exit")} />
          </div>
        </Card>
        <Card title={t("strategy.exits")} className="self-start">
          <div className="grid grid-cols-2 gap-4">
            <Input name="stop_loss" label={t("strategy.stopLoss")} inputMode="decimal" value={form.stopLoss} onText={set("stopLoss")} />
            <Input name="take_profit" label={t("strategy.takeProfit")} inputMode="decimal" value={form.takeProfit} onText={set("takeProfit")} />
            {!form.many && <Input name="trailing_stop" label={t("strategy.trailing")} inputMode="decimal" value={form.trailing} onText={set("trailing")} />}
            {!form.many && <Input name="holding_bars" label={t("strategy.holding")} inputMode="decimal" value={form.holding} onText={set("holding")} />}
            <Input name="portion" label={t("strategy.portion")} inputMode="decimal" value={form.portion} onText={set("portion")} />
            <Input name="slippage" label={t("strategy.slippage")} inputMode="decimal" value={form.slippage} onText={set("slippage")} />
            {form.many && <Input name="volume_share" label={<>{t("many.volume")} {t("app.optional")}</>} inputMode="decimal" value={form.volumeShare} onText={set("volumeShare")} />}
          </div>
        </Card>
        {form.many && <PortfolioFields form={form.portfolio} onForm={(portfolio) => setForm((before) => ({ ...before, portfolio }))} />}
      </div>
    </Form>
  );
}

/** Which version is published: automations trade that one, whatever is written here since. */
function Version({ of }: { of: Pick<Schemas["StrategyOut"], "version"> }) {
  const { t } = useWords();
  return <Badge tone={of.version ? "good" : "plain"}>{of.version ? t("strategy.version", { version: of.version }) : t("strategy.draft")}</Badge>;
}

/** Trying a strategy on the past, or many values of it at once; every run that was made, to look at and compare. */
import { useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { dateTime } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Loading, PageTitle, type Tone } from "@/ui/basics";
import { Table } from "@/ui/table";
import { Tabs } from "@/ui/tabs";
import { Compare } from "./compare";
import { BacktestForm } from "./forms";
import { Search } from "./search";

type Run = Schemas["RunOut"];
export const RUN_TONE: Record<Run["status"], Tone> = { queued: "plain", running: "accent", done: "good", failed: "bad", canceled: "warn" };

/** As many as the platform sets side by side. */
const COMPARED_MAX = 10;

export function Backtests() {
  const { t } = useWords();
  const { strategy } = useSearch({ strict: false }) as { strategy?: string };
  return (
    <>
      <PageTitle>{t("nav.backtests")}</PageTitle>
      <div className="grid gap-4 lg:grid-cols-[22rem_1fr]">
        <Card className="self-start">
          <Tabs label={t("backtest.new")} tabs={[
            { key: "backtest", name: t("backtest.new"), body: <BacktestForm strategyId={strategy ?? ""} /> },
            { key: "sweep", name: t("backtest.sweep"), body: <Search /> },
          ]} />
        </Card>
        <Runs />
      </div>
    </>
  );
}

function Runs() {
  const { t, language, named } = useWords();
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [comparing, setComparing] = useState(false);
  const { data } = useQuery({
    queryKey: ["runs"],
    queryFn: () => got(api.GET("/api/v1/backtest/runs", { params: { query: { limit: 100 } } })),
    refetchInterval: (query) => (query.state.data?.items.some((each) => ["queued", "running"].includes(each.status)) ? 1000 : false),
  });
  const toggle = (id: string): void => setChosen(chosen.includes(id) ? chosen.filter((each) => each !== id) : [...chosen, id]);
  if (!data) return <Loading />;
  return (
    <Card flush title={t("nav.backtests")} actions={<Button size="small" disabled={chosen.length < 2 || chosen.length > COMPARED_MAX} title={t("backtest.compare.hint")} onClick={() => setComparing(true)}>{t("backtest.compare")}</Button>}>
      <Table label={t("nav.backtests")} rows={data.items} keyOf={(run) => run.id} empty={<Empty>{t("backtest.empty")}</Empty>} columns={[
        { key: "choose", head: <span className="sr-only">{t("backtest.compare")}</span>, cell: (run) => run.kind !== "optimize" && run.status === "done" && <input type="checkbox" className="size-4 accent-(--accent)" aria-label={`${t("backtest.compare")} ${run.symbol} ${dateTime(language, run.requested_at)}`} checked={chosen.includes(run.id)} onChange={() => toggle(run.id)} /> },
        { key: "symbol", head: t("order.symbol"), cell: (run) => <Link to="/backtests/$runId" params={{ runId: run.id }} className="font-semibold text-accent underline">{run.kind === "portfolio" ? run.market : run.symbol}</Link> },
        { key: "kind", head: t("order.type"), cell: (run) => named("backtest.kind", run.kind) },
        { key: "time", head: t("order.time"), wide: true, cell: (run) => <span className="num text-quiet">{dateTime(language, run.requested_at)}</span> },
        { key: "status", head: t("order.status"), cell: (run) => <Badge tone={RUN_TONE[run.status]}>{named("backtest.status", run.status)}</Badge> },
      ]} />
      <Compare open={comparing} runs={chosen} onClose={() => setComparing(false)} />
    </Card>
  );
}

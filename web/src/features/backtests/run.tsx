/** One run: how far it is, and then everything that came of it. */
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { api, got, type Schemas } from "@/api/client";
import { explain, Problem } from "@/api/problem";
import { MonthTable } from "@/features/portfolio/months";
import { save } from "@/lib/download";
import { day, number, rate } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Facts, Loading, Note, PageTitle, Progress } from "@/ui/basics";
import { Money, Price, Rate, Ratio } from "@/ui/figures";
import { Table } from "@/ui/table";
import { toastProblem } from "@/ui/toasts";
import { RUN_TONE } from "./backtests";
import { drawdowns, returns } from "./curve-math";
import { Chosen } from "./chosen";
import { Redrawn } from "./redrawn";
import { Refused } from "./refused";
import { Sweep } from "./sweep";
import { Windows } from "./windows";

const Curve = lazy(() => import("@/ui/curves").then((module) => ({ default: module.Curve })));
const POINTS_MAX = 500;

const load = (runId: string) => got(api.GET("/api/v1/backtest/results/{run_id}", { params: { path: { run_id: runId } } }));

export function RunPage() {
  const { t, language, named } = useWords();
  const { runId = "" } = useParams({ strict: false });
  const job = useQuery({
    queryKey: ["job", runId],
    queryFn: () => got(api.GET("/api/v1/backtest/jobs/{run_id}", { params: { path: { run_id: runId } } })),
    refetchInterval: (query) => (["queued", "running"].includes(query.state.data?.status ?? "") ? 500 : false),
  });
  const done = job.data?.status === "done";
  const result = useQuery({
    queryKey: ["result", runId],
    queryFn: () => load(runId),
    enabled: done,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (job.error) return <Empty>{explain(job.error, language)}</Empty>;
  if (!job.data) return <Loading />;
  const { progress, status, error } = job.data;
  return (
    <>
      <PageTitle actions={done && (job.data.kind === "backtest" || job.data.kind === "portfolio") && <Report runId={runId} />}>
        <span className="flex flex-wrap items-center gap-2">{result.data && "symbol" in result.data ? result.data.symbol : named("backtest.kind", job.data.kind)} <Badge tone={RUN_TONE[status]}>{named("backtest.status", status)}</Badge></span>
      </PageTitle>
      {["queued", "running"].includes(status) && (
        <Card title={t("backtest.progress")}>
          <Progress label={t("backtest.progress")} value={progress.done} max={progress.total} />
          <p className="num mt-2 text-sm text-quiet">{number(language, progress.done)} / {number(language, progress.total)}</p>
        </Card>
      )}
      {error && <Note tone="bad" role="alert">{explain(new Problem({ ...error, type: "", title: "", status: 422, request_id: null }), language)}</Note>}
      {result.data && <Outcome result={result.data} />}
    </>
  );
}

function Outcome({ result }: { result: Awaited<ReturnType<typeof load>> }) {
  switch (result.kind) {
    case "backtest": case "portfolio": return <Result result={result} />;
    case "optimize": return <Sweep result={result} />;
    default: return <Windows result={result} />;
  }
}

function Report({ runId }: { runId: string }) {
  const { t } = useWords();
  const download = (): void => {
    const asked = api.GET("/api/v1/backtest/results/{run_id}/report.html", { params: { path: { run_id: runId } }, parseAs: "blob" });
    void got(asked).then((blob) => save(blob as Blob, "backtest.html"), toastProblem);
  };
  return <Button size="small" onClick={download}>{t("backtest.report")}</Button>;
}

/** All pages of a list of the run, up to as many points as a screen can show. */
async function allPages<T>(page: (cursor: string | undefined) => Promise<{ items: T[]; next_cursor: string | null }>, pagesMax = 20): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  for (let at = 0; at < pagesMax; at += 1) {
    const { items, next_cursor } = await page(cursor);
    all.push(...items);
    if (!next_cursor) break;
    cursor = next_cursor;
  }
  return all;
}

function Result({ result }: { result: Schemas["BacktestResult"] | Schemas["PortfolioResult"] }) {
  const { t, language, named } = useWords();
  const path = { run_id: result.id };
  const equity = useQuery({
    queryKey: ["equity", result.id],
    queryFn: () => allPages((cursor) => got(api.GET("/api/v1/backtest/results/{run_id}/equity", { params: { path, query: { limit: POINTS_MAX, cursor } } }))),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const { metrics, assumptions } = result;
  const many = result.kind === "portfolio";
  const points = (equity.data ?? []).map((each) => ({ date: each.date, value: Number(each.equity) }));
  return (
    <div className="grid gap-4">
      <Card title={`${day(language, result.first_date)} – ${day(language, result.last_date)}`}>
        <Facts columns={4} items={[
          [t("backtest.return"), <Rate key="return" value={metrics.total_return} />],
          [t("portfolio.cagr"), <Rate key="cagr" value={metrics.cagr} />],
          [t("portfolio.mdd"), <Rate key="mdd" value={metrics.max_drawdown} />],
          [t("backtest.final"), <Money key="final" value={metrics.equity_final} currency={assumptions.currency} />],
          [t("portfolio.sharpe"), <Ratio key="sharpe" value={metrics.sharpe} />],
          [t("portfolio.sortino"), <Ratio key="sortino" value={metrics.sortino} />],
          [t("portfolio.winRate"), <Rate key="win" value={metrics.win_rate} signed={false} />],
          [t("backtest.trades"), metrics.trades],
        ]} />
        <dl className="mt-4 grid gap-1 text-sm">
          <div><dt className="inline text-quiet">{t(many ? "many.entry" : "strategy.entry")}: </dt><dd className="inline"><code>{result.entry}</code></dd></div>
          <div><dt className="inline text-quiet">{t(many ? "many.exit" : "strategy.exit")}: </dt><dd className="inline"><code>{result.exit}</code></dd></div>
        </dl>
      </Card>
      {many && <Chosen result={result} />}
      {points.length > 0 && (
        <Suspense fallback={<Loading />}>
          <Card title={t("portfolio.equity")}><Curve label={t("portfolio.equity")} tone="accent" points={points} /></Card>
          <Card title={t("portfolio.drawdown")}><Curve label={t("portfolio.drawdown")} tone="bad" percent height={150} points={drawdowns(points)} /></Card>
        </Suspense>
      )}
      {points.length > 1 && <Card title={t("portfolio.months")}><MonthTable days={returns(points)} /></Card>}
      <Trades runId={result.id} currency={assumptions.currency} />
      <Refused result={result} />
      {metrics.trades > 0 && <Redrawn runId={result.id} currency={assumptions.currency} />}
      <Note>
        <strong>{t("backtest.assumed")}: </strong>
        {t("backtest.assumed.body", { engine: named("backtest.engine", assumptions.engine), slippage: rate(language, assumptions.slippage, 2, false) })} {t("backtest.past")}
        <span className="mt-1 block text-xs break-all text-quiet">{t("backtest.fingerprint")}: <code>{result.fingerprint}</code></span>
      </Note>
    </div>
  );
}

function Trades({ runId, currency }: { runId: string; currency: "KRW" | "USD" }) {
  const { t, language, named } = useWords();
  const { data } = useQuery({
    queryKey: ["trades", runId],
    queryFn: () => allPages((cursor) => got(api.GET("/api/v1/backtest/results/{run_id}/trades", { params: { path: { run_id: runId }, query: { limit: POINTS_MAX, cursor } } }))),
    staleTime: Number.POSITIVE_INFINITY,
  });
  return (
    <Card title={t("backtest.trades")} flush>
      {!data ? <Loading /> : (
        <Table label={t("backtest.trades")} rows={data} keyOf={(each) => String(each.number)} empty={<Empty>{t("backtest.trades.empty")}</Empty>} columns={[
          { key: "symbol", head: t("backtest.symbol"), wide: true, cell: (each) => each.symbol },
          { key: "entry", head: t("backtest.entry"), cell: (each) => day(language, each.entry_date) },
          { key: "entryPrice", head: t("order.price"), right: true, wide: true, cell: (each) => <Price value={each.entry_price} currency={currency} /> },
          { key: "exit", head: t("backtest.exit"), cell: (each) => day(language, each.exit_date) },
          { key: "exitPrice", head: t("order.price"), right: true, wide: true, cell: (each) => <Price value={each.exit_price} currency={currency} /> },
          { key: "reason", head: t("backtest.reason"), wide: true, cell: (each) => named("backtest.reason", each.reason) },
          { key: "profit", head: t("portfolio.profit"), right: true, cell: (each) => <Rate value={each.profit_rate} /> },
        ]} />
      )}
    </Card>
  );
}

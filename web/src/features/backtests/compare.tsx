/** Runs side by side, figure by figure: on the days that all of them have, and each on its own. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, got, type Schemas } from "@/api/client";
import { explain } from "@/api/problem";
import { day, number } from "@/lib/format";
import { useWords } from "@/lib/words";
import { cx, Loading, Note } from "@/ui/basics";
import { LINE_TONES, Lines } from "@/ui/curves";
import { Dialog } from "@/ui/dialog";
import { Rate, Ratio } from "@/ui/figures";

type Comparison = Schemas["ComparisonOut"];
type Compared = Schemas["ComparedRun"];
type Row = [name: string, cell: (run: Compared) => React.ReactNode];

export function Compare({ open, runs, onClose }: { open: boolean; runs: readonly string[]; onClose: () => void }) {
  const { t, language } = useWords();
  const { data, error } = useQuery({
    queryKey: ["comparison", ...runs],
    queryFn: () => got(api.GET("/api/v1/backtest/compare", { params: { query: { runs: [...runs] } } })),
    enabled: open,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return (
    <Dialog open={open} onClose={onClose} title={t("backtest.compare")}>
      {error ? <Note tone="bad" role="alert">{explain(error, language)}</Note> : data ? <SideBySide comparison={data} /> : <Loading />}
    </Dialog>
  );
}

/** Tailwind reads class names as they are written. */
const DOTS: Record<(typeof LINE_TONES)[number], string> = { accent: "bg-accent", live: "bg-live", good: "bg-good", warn: "bg-warn", bad: "bg-bad", quiet: "bg-quiet" };

function SideBySide({ comparison: { items, dates, days } }: { comparison: Comparison }) {
  const { t, language } = useWords();
  const worth = useMemo(() => items.map((each) => each.worth), [items]);
  const common: Row[] = [
    [t("backtest.return"), (run) => <Rate value={run.common.total_return} />],
    [t("portfolio.cagr"), (run) => <Rate value={run.common.cagr} />],
    [t("portfolio.mdd"), (run) => <Rate value={run.common.max_drawdown} />],
    [t("portfolio.sharpe"), (run) => <Ratio value={run.common.sharpe} />],
    [t("portfolio.sortino"), (run) => <Ratio value={run.common.sortino} />],
    ...items.map((_, place): Row => [t("compare.correlation", { place: place + 1 }), (run) => <Ratio value={run.correlations[place]} />]),
  ];
  const own: Row[] = [
    [t("backtest.from"), (run) => day(language, run.first_date)],
    [t("backtest.to"), (run) => day(language, run.last_date)],
    [t("backtest.return"), (run) => <Rate value={run.metrics.total_return} />],
    [t("portfolio.winRate"), (run) => <Rate value={run.metrics.win_rate} signed={false} />],
    [t("backtest.trades"), (run) => run.metrics.trades],
  ];
  return (
    <div className="grid gap-3">
      <Lines dates={dates} lines={worth} label={t("compare.worth")} height={180} />
      <div className="overflow-x-auto">
        <table className="text-sm">
          <thead>
            <tr>
              <td />
              {items.map((each, place) => (
                <th key={each.id} scope="col" className="p-2 text-right">
                  <span aria-hidden="true" className={cx("mr-1 inline-block size-2 rounded-full", DOTS[LINE_TONES[place % LINE_TONES.length] ?? "quiet"])} />{place + 1}. {each.kind === "portfolio" ? each.market : each.symbol}
                  <span className="block max-w-40 truncate text-xs font-normal text-quiet" title={each.entry}>{each.entry}</span>
                </th>
              ))}
            </tr>
          </thead>
          <Figures title={t("compare.days", { count: number(language, days) })} rows={common} items={items} />
          <Figures title={t("compare.own")} rows={own} items={items} />
        </table>
      </div>
    </div>
  );
}

function Figures({ title, rows, items }: { title: string; rows: readonly Row[]; items: readonly Compared[] }) {
  return (
    <tbody>
      <tr className="border-t border-line"><th scope="rowgroup" colSpan={items.length + 1} className="p-2 text-left text-xs text-quiet">{title}</th></tr>
      {rows.map(([name, cell]) => (
        <tr key={name} className="border-t border-line"><th scope="row" className="p-2 text-left font-medium text-quiet">{name}</th>{items.map((each) => <td key={each.id} className="p-2 text-right">{cell(each)}</td>)}</tr>
      ))}
    </tbody>
  );
}

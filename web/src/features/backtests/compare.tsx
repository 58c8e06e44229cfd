/** Runs side by side, figure by figure. */
import { useQueries } from "@tanstack/react-query";
import { api, got, type Schemas } from "@/api/client";
import { useWords } from "@/lib/words";
import { Dialog } from "@/ui/dialog";
import { Rate, Ratio } from "@/ui/figures";

type Result = Schemas["BacktestResult"];

export function Compare({ open, runs, onClose }: { open: boolean; runs: readonly string[]; onClose: () => void }) {
  const { t } = useWords();
  const results = useQueries({
    queries: runs.map((id) => ({ queryKey: ["result", id], queryFn: () => got(api.GET("/api/v1/backtest/results/{run_id}", { params: { path: { run_id: id } } })), enabled: open, staleTime: Number.POSITIVE_INFINITY })),
  }).flatMap(({ data }) => (data?.kind === "backtest" ? [data] : []));
  const rows: [string, (result: Result) => React.ReactNode][] = [
    [t("backtest.return"), (result) => <Rate value={result.metrics.total_return} />],
    [t("portfolio.cagr"), (result) => <Rate value={result.metrics.cagr} />],
    [t("portfolio.mdd"), (result) => <Rate value={result.metrics.max_drawdown} />],
    [t("portfolio.sharpe"), (result) => <Ratio value={result.metrics.sharpe} />],
    [t("portfolio.sortino"), (result) => <Ratio value={result.metrics.sortino} />],
    [t("portfolio.winRate"), (result) => <Rate value={result.metrics.win_rate} signed={false} />],
    [t("backtest.trades"), (result) => result.metrics.trades],
  ];
  return (
    <Dialog open={open} onClose={onClose} title={t("backtest.compare")}>
      <div className="overflow-x-auto">
        <table className="text-sm">
          <thead><tr><td />{results.map((each) => <th key={each.id} scope="col" className="p-2 text-right">{each.symbol}<span className="block max-w-40 truncate text-xs font-normal text-quiet" title={each.entry}>{each.entry}</span></th>)}</tr></thead>
          <tbody>
            {rows.map(([name, cell]) => (
              <tr key={name} className="border-t border-line"><th scope="row" className="p-2 text-left font-medium text-quiet">{name}</th>{results.map((each) => <td key={each.id} className="p-2 text-right">{cell(each)}</td>)}</tr>
            ))}
          </tbody>
        </table>
      </div>
    </Dialog>
  );
}

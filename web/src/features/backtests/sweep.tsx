/** What each set of values brought: as a heat map where two were varied, and as a table always. */
import { useQuery } from "@tanstack/react-query";
import { api, got, type Schemas } from "@/api/client";
import { useWords } from "@/lib/words";
import { Card, Facts, Note } from "@/ui/basics";
import { Rate, Ratio } from "@/ui/figures";
import { type Column, Table } from "@/ui/table";

type Trial = Schemas["TrialOut"];
type Objective = Schemas["SweepResult"]["objective"];
export const AS_RATIO: readonly Objective[] = ["sharpe", "sortino", "calmar", "profit_factor", "expectancy"];

/** What the objective says already. */
const OWN_COLUMN: Partial<Record<Objective, string>> = { total_return: "return", max_drawdown: "drawdown" };

const figure = (trial: Trial, objective: Objective): number | null => {
  const value = trial.metrics[objective];
  return value === null ? null : Number(value);
};
export const shown = (trial: Pick<Trial, "parameters">): string => Object.entries(trial.parameters).map(([name, value]) => `${name} ${value}`).join(" · ");

export function Sweep({ result }: { result: Schemas["SweepResult"] }) {
  const { t, named } = useWords();
  const { objective, items, best } = result;
  const figureOf = (trial: Trial) => (AS_RATIO.includes(objective) ? <Ratio value={figure(trial, objective)} /> : <Rate value={figure(trial, objective)} />);
  return (
    <div className="grid gap-4">
      <Card title={t("sweep.best")}>
        <Facts columns={4} items={[
          [t("sweep.values"), shown(best)],
          [named("objective", objective), figureOf(best)],
          ...(objective === "total_return" ? [] : [[t("backtest.return"), <Rate key="return" value={best.metrics.total_return} />] as const]),
          ...(objective === "max_drawdown" ? [] : [[t("portfolio.mdd"), <Rate key="mdd" value={best.metrics.max_drawdown} />] as const]),
        ]} />
      </Card>
      <HeatMap result={result} />
      <Card title={t("sweep.trials", { count: result.trials, shown: items.length })} flush>
        <Table label={t("sweep.heat")} rows={items} keyOf={(trial) => String(trial.rank)} columns={([
          { key: "rank", head: t("sweep.rank"), cell: (trial) => trial.rank },
          { key: "values", head: t("sweep.values"), cell: shown },
          { key: "objective", head: named("objective", objective), right: true, cell: figureOf },
          { key: "return", head: t("backtest.return"), right: true, wide: true, cell: (trial) => <Rate value={trial.metrics.total_return} /> },
          { key: "drawdown", head: t("portfolio.mdd"), right: true, wide: true, cell: (trial) => <Rate value={trial.metrics.max_drawdown} /> },
          { key: "trades", head: t("backtest.trades"), right: true, wide: true, cell: (trial) => trial.metrics.trades },
        ] satisfies Column<Trial>[]).filter((column) => column.key !== OWN_COLUMN[objective])} />
      </Card>
      <Note>{t("backtest.past")}</Note>
    </div>
  );
}

/** Of all trials, not of the best alone, which are all that the result lists. */
function HeatMap({ result }: { result: Schemas["SweepResult"] }) {
  const { t } = useWords();
  const { id, objective } = result;
  const [x, y] = Object.keys(result.best.parameters);
  const { data } = useQuery({
    queryKey: ["heat-map", id, x, y],
    queryFn: () => got(api.GET("/api/v1/backtest/results/{run_id}/heatmap", { params: { path: { run_id: id }, query: { x: x ?? "", y: y ?? "", figure: objective } } })),
    enabled: x !== undefined && y !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!data) return null;
  const figures = data.cells.flat().filter((each) => each !== null);
  const [least, most] = [Math.min(...figures), Math.max(...figures)];
  const shade = (value: number | null): string => `color-mix(in srgb, var(--accent) ${value === null || most === least ? 0 : Math.round(((value - least) / (most - least)) * 55)}%, transparent)`;
  return (
    <Card title={t("sweep.heat")}>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="overflow-x-auto" role="region" aria-label={t("sweep.heat")} tabIndex={0}>
        <table className="text-xs">
          <thead><tr><th scope="col" className="p-2 text-left text-quiet">{y} ＼ {x}</th>{data.x.map((value) => <th key={value} scope="col" className="p-2">{value}</th>)}</tr></thead>
          <tbody>
            {data.y.map((value, row) => (
              <tr key={value}>
                <th scope="row" className="p-2 text-left">{value}</th>
                {data.cells[row]?.map((cell, column) => <td key={column} className="p-2 text-center" style={{ background: shade(cell) }}>{AS_RATIO.includes(objective) ? <Ratio value={cell} /> : <Rate value={cell} signed={false} />}</td>)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

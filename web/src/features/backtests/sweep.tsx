/** What each set of values brought: as a heat map where two were varied, and as a table always. */
import type { Schemas } from "@/api/client";
import { useWords } from "@/lib/words";
import { Card, Facts, Note } from "@/ui/basics";
import { Rate, Ratio } from "@/ui/figures";
import { Table } from "@/ui/table";

type Trial = Schemas["TrialOut"];
type Objective = Schemas["SweepResult"]["objective"];
export const AS_RATIO: readonly Objective[] = ["sharpe", "sortino", "calmar", "profit_factor", "expectancy"];

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
          [t("backtest.return"), <Rate key="return" value={best.metrics.total_return} />],
          [t("portfolio.mdd"), <Rate key="mdd" value={best.metrics.max_drawdown} />],
        ]} />
      </Card>
      <HeatMap items={items} objective={objective} figureOf={figureOf} />
      <Card title={t("sweep.trials", { count: result.trials })} flush>
        <Table label={t("sweep.heat")} rows={items} keyOf={(trial) => String(trial.rank)} columns={[
          { key: "rank", head: t("sweep.rank"), cell: (trial) => trial.rank },
          { key: "values", head: t("sweep.values"), cell: shown },
          { key: "objective", head: named("objective", objective), right: true, cell: figureOf },
          { key: "return", head: t("backtest.return"), right: true, wide: true, cell: (trial) => <Rate value={trial.metrics.total_return} /> },
          { key: "drawdown", head: t("portfolio.mdd"), right: true, wide: true, cell: (trial) => <Rate value={trial.metrics.max_drawdown} /> },
          { key: "trades", head: t("backtest.trades"), right: true, wide: true, cell: (trial) => trial.metrics.trades },
        ]} />
      </Card>
      <Note>{t("backtest.past")}</Note>
    </div>
  );
}

function HeatMap({ items, objective, figureOf }: { items: readonly Trial[]; objective: Objective; figureOf: (trial: Trial) => React.ReactNode }) {
  const { t } = useWords();
  const [across, down] = Object.keys(items[0]?.parameters ?? {});
  if (!across || !down) return null;
  const values = (name: string): number[] => [...new Set(items.map((each) => Number(each.parameters[name])))].sort((a, b) => a - b);
  const figures = items.map((each) => figure(each, objective)).filter((each) => each !== null);
  const [least, most] = [Math.min(...figures), Math.max(...figures)];
  const shade = (value: number | null): string => `color-mix(in srgb, var(--accent) ${value === null || most === least ? 0 : Math.round(((value - least) / (most - least)) * 55)}%, transparent)`;
  return (
    <Card title={t("sweep.heat")}>
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="overflow-x-auto" role="region" aria-label={t("sweep.heat")} tabIndex={0}>
        <table className="text-xs">
          <thead><tr><th scope="col" className="p-2 text-left text-quiet">{down} ＼ {across}</th>{values(across).map((value) => <th key={value} scope="col" className="p-2">{value}</th>)}</tr></thead>
          <tbody>
            {values(down).map((row) => (
              <tr key={row}>
                <th scope="row" className="p-2 text-left">{row}</th>
                {values(across).map((column) => {
                  const trial = items.find((each) => Number(each.parameters[across]) === column && Number(each.parameters[down]) === row);
                  return <td key={column} className="p-2 text-center" style={trial ? { background: shade(figure(trial, objective)) } : undefined}>{trial && figureOf(trial)}</td>;
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

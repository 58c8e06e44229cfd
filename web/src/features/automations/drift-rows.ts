/** Drift reports of automations that trade the same version, laid side by side: bar by bar, one cell for each of them. */
import type { Schemas } from "@/api/client";

type Report = Pick<Schemas["DriftBeside"], "rows">;
export type DriftCell = Schemas["DriftRow"];

export interface DriftLine {
  key: string;
  symbol: string;
  bar: string;
  backtest: { entry: boolean; exit: boolean };
  /** One for each report, in their order; null where that automation does not have the bar. */
  cells: readonly (DriftCell | null)[];
}

export function sideBySide(reports: readonly (Report | undefined)[]): DriftLine[] {
  const lines = new Map<string, { first: DriftCell; cells: (DriftCell | null)[] }>();
  reports.forEach((report, at) => {
    for (const row of report?.rows ?? []) {
      const key = `${row.bar} ${row.symbol}`;
      const line = lines.get(key) ?? { first: row, cells: reports.map(() => null) };
      line.cells[at] = row;
      lines.set(key, line);
    }
  });
  return [...lines]
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([key, { first, cells }]) => ({ key, symbol: first.symbol, bar: first.bar, backtest: { entry: first.backtest_entry, exit: first.backtest_exit }, cells }));
}

/** How values chosen on one part of the past did on another: walk-forward windows, and folds of a cross-validation. */
import type { Schemas } from "@/api/client";
import { day, number } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Card, Facts, Note } from "@/ui/basics";
import { Rate, Ratio } from "@/ui/figures";
import { Table } from "@/ui/table";
import { AS_RATIO, shown } from "./sweep";

type Part = Pick<Schemas["WindowOut"], "parameters" | "in_sample" | "out_of_sample"> & { test: readonly string[] };
type Outcome = Pick<Schemas["WalkResult"], "metrics" | "objective"> &
  ({ kind: "walk_forward"; windows: readonly Part[] } | { kind: "cross_validate"; folds: readonly Part[]; overfitting: number });

export function Windows({ result }: { result: Outcome }) {
  const { t, named, language } = useWords();
  const { metrics, objective } = result;
  const rows: readonly Part[] = result.kind === "walk_forward" ? result.windows : result.folds;
  const figure = (value: number) => (AS_RATIO.includes(objective) ? <Ratio value={value} /> : <Rate value={value} />);
  return (
    <div className="grid gap-4">
      <Card title={t("windows.outside")}>
        <Facts columns={4} items={[
          [t("backtest.return"), <Rate key="return" value={metrics.total_return} />],
          [t("portfolio.mdd"), <Rate key="mdd" value={metrics.max_drawdown} />],
          [t("portfolio.sharpe"), <Ratio key="sharpe" value={metrics.sharpe} />],
          ...(result.kind === "cross_validate" ? [[t("windows.overfitting"), <Rate key="over" value={result.overfitting} signed={false} />] as [string, React.ReactNode]] : []),
        ]} />
      </Card>
      <Card title={number(language, rows.length)} flush>
        <Table label={named("backtest.kind", result.kind)} rows={rows} keyOf={(each) => each.test.join()} columns={[
          { key: "test", head: t("windows.test"), cell: (each) => each.test.map((date) => day(language, date)).join(" – ") },
          { key: "values", head: t("sweep.values"), wide: true, cell: (each) => shown(each) },
          { key: "inside", head: t("windows.inSample"), right: true, cell: (each) => figure(each.in_sample) },
          { key: "outside", head: t("windows.outOfSample"), right: true, cell: (each) => figure(each.out_of_sample) },
        ]} />
      </Card>
      <Note>{t("backtest.past")}</Note>
    </div>
  );
}

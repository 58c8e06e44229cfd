/** The orders that an account's risk limits would have refused, with the words of paper trading. */
import type { Schemas } from "@/api/client";
import { day, number } from "@/lib/format";
import { retold } from "@/lib/retold";
import { useWords } from "@/lib/words";
import { Card } from "@/ui/basics";
import { Price } from "@/ui/figures";
import { Table } from "@/ui/table";

export function Refused({ result }: { result: Pick<Schemas["BacktestResult"], "refused" | "assumptions"> | Pick<Schemas["PortfolioResult"], "refused" | "assumptions"> }) {
  const { t, named, language } = useWords();
  const { refused, assumptions } = result;
  if (!assumptions.risk_limits) return null;
  return (
    <Card title={t("refused.title", { count: number(language, refused.count) })} flush>
      <Table label={t("refused.label")} rows={refused.items} keyOf={(each) => `${each.date} ${each.symbol} ${each.side} ${each.quantity} ${each.price}`} empty={<p className="p-4 text-sm text-quiet">{t("refused.none")}</p>} columns={[
        { key: "date", head: t("order.time"), cell: (each) => day(language, each.date) },
        { key: "symbol", head: t("backtest.symbol"), cell: (each) => each.symbol },
        { key: "side", head: t("order.side"), cell: (each) => named("side", each.side) },
        { key: "quantity", head: t("refused.quantity"), right: true, wide: true, cell: (each) => number(language, each.quantity) },
        { key: "price", head: t("order.price"), right: true, wide: true, cell: (each) => <Price value={each.price} currency={assumptions.currency} /> },
        { key: "why", head: t("backtest.reason"), cell: (each) => retold(language, `${each.reason}: ${each.detail}`) },
      ]} />
    </Card>
  );
}

/** What was sold and what it brought, every entry of the books, and the year's statement for the tax office. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { save } from "@/lib/download";
import { dateTime, day } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Button, Card, Empty, Facts, Loading, Note } from "@/ui/basics";
import { Money, Price, Quantity } from "@/ui/figures";
import { Select, Segments } from "@/ui/form";
import { Table } from "@/ui/table";
import { toastProblem } from "@/ui/toasts";

const PAGE = 100;
const YEARS = 6;

function Export({ accountId, table }: { accountId: string; table: "executions" | "history" | "ledger" }) {
  const { t } = useWords();
  const download = (): void => {
    const params = { path: { table }, query: { account_id: accountId, format: "csv" as const } };
    void got(api.GET("/api/v1/portfolio/export/{table}", { params, parseAs: "blob" })).then((blob) => save(blob as Blob, `${table}.csv`), toastProblem);
  };
  return <Button size="small" onClick={download}>{t("portfolio.export")}</Button>;
}

export function ClosedTrades({ accountId }: { accountId: string }) {
  const { t, language } = useWords();
  const { data } = useQuery({ queryKey: ["closed-trades", accountId], queryFn: () => got(api.GET("/api/v1/portfolio/closed-trades", { params: { query: { account_id: accountId, limit: PAGE } } })) });
  if (!data) return <Loading />;
  return (
    <Card title={t("portfolio.trades")} flush actions={<Export accountId={accountId} table="executions" />}>
      <Table label={t("portfolio.trades")} rows={data.items} keyOf={(each) => each.execution_id} empty={<Empty>{t("portfolio.trades.empty")}</Empty>} columns={[
        { key: "date", head: t("portfolio.date"), cell: (each) => day(language, each.trade_date) },
        { key: "symbol", head: t("order.symbol"), cell: (each) => <strong>{each.symbol}</strong> },
        { key: "quantity", head: t("portfolio.quantity"), right: true, cell: (each) => <Quantity value={each.quantity} /> },
        { key: "price", head: t("order.price"), right: true, wide: true, cell: (each) => <Price value={each.price} currency={each.currency} /> },
        { key: "cost", head: t("portfolio.cost"), right: true, wide: true, cell: (each) => <Money value={each.cost} currency={each.currency} /> },
        { key: "proceeds", head: t("portfolio.proceeds"), right: true, wide: true, cell: (each) => <Money value={each.proceeds} currency={each.currency} /> },
        { key: "profit", head: t("portfolio.realized"), right: true, cell: (each) => <Money value={each.realized_profit} currency={each.currency} signed /> },
      ]} />
    </Card>
  );
}

export function Ledger({ accountId }: { accountId: string }) {
  const { t, language, named } = useWords();
  const ledger = useInfiniteQuery({
    queryKey: ["ledger", accountId],
    queryFn: ({ pageParam }) => got(api.GET("/api/v1/trading/accounts/{account_id}/ledger", { params: { path: { account_id: accountId }, query: { limit: PAGE, cursor: pageParam ?? undefined } } })),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
  if (ledger.isPending) return <Loading />;
  const rows: Schemas["EntryShown"][] = ledger.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Card title={t("portfolio.ledger")} flush actions={<Export accountId={accountId} table="ledger" />}>
      <p className="px-4 pt-3 text-sm text-quiet">{t("portfolio.ledger.hint")}</p>
      <Table label={t("portfolio.ledger")} rows={rows.map((row, at) => ({ ...row, at }))} keyOf={(row) => String(row.at)} columns={[
        { key: "time", head: t("order.time"), cell: (row) => <span className="num text-quiet">{dateTime(language, row.occurred_at)}</span> },
        { key: "movement", head: t("portfolio.movement"), wide: true, cell: (row) => named("movement", row.movement) },
        { key: "book", head: t("portfolio.book"), cell: (row) => <>{named("book", row.book)}<span className="block text-xs text-quiet md:hidden">{named("movement", row.movement)}</span></> },
        { key: "amount", head: t("portfolio.amount"), right: true, cell: (row) => <Money value={row.amount} currency={row.currency} /> },
      ]} />
      {ledger.hasNextPage && <div className="p-3 text-center"><Button busy={ledger.isFetchingNextPage} onClick={() => void ledger.fetchNextPage()}>{t("app.more")}</Button></div>}
    </Card>
  );
}

export function Tax({ accountId }: { accountId: string }) {
  const { t, language } = useWords();
  const thisYear = new Date().getFullYear();
  const [year, setYear] = useState(thisYear);
  const [method, setMethod] = useState<"average" | "fifo">("average");
  const { data } = useQuery({ queryKey: ["tax", accountId, year, method], queryFn: () => got(api.GET("/api/v1/portfolio/tax", { params: { query: { account_id: accountId, year, method } } })) });
  return (
    <>
      <div className="flex flex-wrap items-end gap-3">
        <Select name="year" label={t("portfolio.tax.year")} value={String(year)} onText={(text) => setYear(Number(text))} options={Array.from({ length: YEARS }, (_, ago) => [String(thisYear - ago), String(thisYear - ago)] as const)} className="w-32" />
        <Segments label={t("portfolio.tax.method")} value={method} onChange={setMethod} options={[["average", t("portfolio.tax.average")], ["fifo", t("portfolio.tax.fifo")]]} />
      </div>
      {!data ? <Loading /> : (
        <>
          {data.totals.map((each) => (
            <Card key={each.currency} title={`${data.year} · ${each.currency}`}>
              <Facts columns={4} items={[
                [t("portfolio.tax.net"), <Money key="net" value={each.profit} currency={each.currency} signed />],
                [t("portfolio.tax.gain"), <Money key="gain" value={each.gain} currency={each.currency} />],
                [t("portfolio.tax.loss"), <Money key="loss" value={each.loss} currency={each.currency} />],
                [t("portfolio.tax.sales"), each.sales],
                [t("ticket.fee"), <Money key="fee" value={each.fee} currency={each.currency} />],
                [t("ticket.tax"), <Money key="tax" value={each.tax} currency={each.currency} />],
                [t("portfolio.tax.dividends"), <Money key="dividends" value={each.dividends} currency={each.currency} />],
                [t("portfolio.tax.withheld"), <Money key="withheld" value={each.withheld} currency={each.currency} />],
              ]} />
            </Card>
          ))}
          <Card flush>
            <Table label={t("portfolio.tax")} rows={data.sales.map((sale, at) => ({ ...sale, at }))} keyOf={(row) => String(row.at)} empty={<Empty>{t("portfolio.trades.empty")}</Empty>} columns={[
              { key: "date", head: t("portfolio.date"), cell: (row) => day(language, row.trade_date) },
              { key: "symbol", head: t("order.symbol"), cell: (row) => <strong>{row.symbol}</strong> },
              { key: "quantity", head: t("portfolio.quantity"), right: true, cell: (row) => <Quantity value={row.quantity} /> },
              { key: "proceeds", head: t("portfolio.proceeds"), right: true, wide: true, cell: (row) => <Money value={row.proceeds} currency={row.currency} /> },
              { key: "cost", head: t("portfolio.cost"), right: true, wide: true, cell: (row) => <Money value={row.cost} currency={row.currency} /> },
              { key: "profit", head: t("portfolio.profit"), right: true, cell: (row) => <Money value={row.profit} currency={row.currency} signed /> },
            ]} />
          </Card>
          <Note>{t("portfolio.tax.note")}</Note>
        </>
      )}
    </>
  );
}

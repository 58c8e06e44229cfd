/** What is known of the company behind the stock; each part says when it was known, or that it is not. */
import { useQuery } from "@tanstack/react-query";
import { api, got } from "@/api/client";
import { day, direction, number, short } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Card, Empty, Facts, Loading } from "@/ui/basics";
import { tint } from "@/ui/figures";
import { Table } from "@/ui/table";

export function FundamentalFacts({ symbol }: { symbol: string }) {
  const { t, language } = useWords();
  const { data, isPending } = useQuery({ queryKey: ["fundamentals", symbol], queryFn: () => got(api.GET("/api/v1/market/fundamentals/{symbol}", { params: { path: { symbol } } })), retry: false });
  if (isPending) return <Loading />;
  const newest = data?.items.at(-1);
  if (!newest) return <Empty>{t("facts.none")}</Empty>;
  const ratio = (value: string | null, unit = "") => (value === null ? "–" : <span className="num">{number(language, value, 2)}{unit}</span>);
  return (
    <Card title={<>{t("facts.title")} <span className="text-xs font-normal text-quiet">{t("facts.since", { date: day(language, newest.known_since) })}</span></>}>
      <Facts columns={4} items={[
        [t("facts.per"), ratio(newest.per)], [t("facts.pbr"), ratio(newest.pbr)], [t("facts.eps"), ratio(newest.eps)], [t("facts.bps"), ratio(newest.bps)],
        [t("facts.roe"), ratio(newest.roe, "%")], [t("facts.roa"), ratio(newest.roa, "%")], [t("facts.dividend"), ratio(newest.dividend_yield, "%")], [t("facts.debt"), ratio(newest.debt_ratio, "%")],
      ]} />
    </Card>
  );
}

export function Flows({ symbol }: { symbol: string }) {
  const { t, language } = useWords();
  const { data, isPending } = useQuery({ queryKey: ["flows", symbol], queryFn: () => got(api.GET("/api/v1/market/investors/{symbol}", { params: { path: { symbol } } })), retry: false });
  if (isPending) return <Loading />;
  const cell = (value: string) => <span className={`num ${tint(direction(value))}`}>{short(language, value)}</span>;
  return (
    <Card flush>
      <Table label={t("flows.title")} rows={[...(data?.items ?? [])].reverse()} keyOf={(row) => row.day} empty={<Empty>{t("flows.none")}</Empty>} columns={[
        { key: "day", head: t("flows.day"), cell: (row) => day(language, row.day) },
        { key: "foreigner", head: t("flows.foreigner"), right: true, cell: (row) => cell(row.foreigner) },
        { key: "institution", head: t("flows.institution"), right: true, cell: (row) => cell(row.institution) },
        { key: "individual", head: t("flows.individual"), right: true, cell: (row) => cell(row.individual) },
      ]} />
    </Card>
  );
}

export function Disclosures({ symbol }: { symbol: string }) {
  const { t, language } = useWords();
  const { data, isPending } = useQuery({ queryKey: ["disclosures", symbol], queryFn: () => got(api.GET("/api/v1/market/disclosures/{symbol}", { params: { path: { symbol } } })), retry: false });
  if (isPending) return <Loading />;
  if (!data?.items.length) return <Empty>{t("news.none")}</Empty>;
  return (
    <ul className="grid gap-2">
      {data.items.map((each) => (
        <li key={each.receipt_no} className="flex justify-between gap-3">
          <a href={each.url} target="_blank" rel="noreferrer" className="text-accent underline">{each.title}</a>
          <span className="text-sm text-quiet">{day(language, each.known_since)}</span>
        </li>
      ))}
    </ul>
  );
}

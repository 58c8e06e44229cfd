/** What only a portfolio's report has: from how many it chose, by what, how much it traded for that, and what it held last. */
import { Link } from "@tanstack/react-router";
import type { Schemas } from "@/api/client";
import { number } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Card, Facts } from "@/ui/basics";
import { Money, Ratio } from "@/ui/figures";

export function Chosen({ result }: { result: Schemas["PortfolioResult"] }) {
  const { t, language, named } = useWords();
  const { portfolio, assumptions, chosen } = result;
  return (
    <Card title={t("many.report")}>
      <Facts columns={4} items={[
        [t("many.universe"), `${result.market} · ${number(language, result.symbols)}`],
        [t("many.choices"), number(language, result.choices)],
        [t("many.turnover"), <Ratio key="turnover" value={result.turnover} />],
        [t("many.costs"), <Money key="costs" value={result.costs} currency={assumptions.currency} />],
        [t("many.unfilled"), number(language, result.unfilled)],
        [t("many.settled"), <Money key="settled" value={result.settled_cash} currency={assumptions.currency} />],
        [t("many.positions"), portfolio ? number(language, portfolio.positions) : "–"],
        [t("many.every"), portfolio?.every ? named("many.every", portfolio.every) : "–"],
      ]} />
      <dl className="mt-4 grid gap-1 text-sm">
        <div><dt className="inline text-quiet">{t("many.ranking")}: </dt><dd className="inline">{portfolio?.ranking.map((each) => <code key={each.factor} className="mr-3">{each.weight} × {each.factor}</code>)}</dd></div>
        <div><dt className="inline text-quiet">{t("many.chosen")}: </dt><dd className="inline">
          {chosen.length === 0 ? t("many.chosen.none") : chosen.map((symbol) => <Link key={symbol} to="/market/$symbol" params={{ symbol }} className="mr-3 text-accent underline">{symbol}</Link>)}
        </dd></div>
      </dl>
    </Card>
  );
}

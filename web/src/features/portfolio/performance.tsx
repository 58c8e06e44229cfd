/** How the money has done: returns that compare with others', the curve, its falls, and each month. */
import { useQuery } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense } from "react";
import { api, got, type Schemas } from "@/api/client";
import { performance as course } from "@/api/queries";
import { useWords } from "@/lib/words";
import { Card, Empty, Facts, Loading } from "@/ui/basics";
import { Money, Rate, Ratio } from "@/ui/figures";
import { MonthTable } from "./months";

const Curve = lazy(() => import("@/ui/curves").then((module) => ({ default: module.Curve })));

export function Performance({ accountId }: { accountId: string }) {
  const { t } = useWords();
  const params = { query: { account_id: accountId } };
  const performance = useQuery(course(accountId));
  const analytics = useQuery({ queryKey: ["analytics", accountId], queryFn: () => got(api.GET("/api/v1/portfolio/analytics", { params })) });
  if (performance.isPending) return <Loading />;
  const items = performance.data?.items ?? [];
  if (items.every((each) => each.points.length === 0)) return <Card><Empty>{t("portfolio.noHistory")}</Empty></Card>;
  return (
    <>
      {items.map((each) => (
        <OneCurrency key={each.currency} performance={each} analytics={analytics.data?.items.find((other) => other.currency === each.currency)} />
      ))}
    </>
  );
}

function OneCurrency({ performance, analytics }: { performance: Schemas["PerformanceShown"]; analytics: Schemas["AnalyticsShown"] | undefined }) {
  const { t } = useWords();
  const { points, currency } = performance;
  if (points.length === 0) return null;
  return (
    <>
      <Card title={`${t("portfolio.performance")} · ${currency}`}>
        <Facts columns={4} items={[
          [t("portfolio.profit"), <Money key="profit" value={performance.profit} currency={currency} signed />],
          [t("portfolio.twr"), <Rate key="twr" value={performance.time_weighted_return} />],
          [t("portfolio.xirr"), <Rate key="xirr" value={performance.money_weighted_return} />],
          [t("portfolio.cagr"), <Rate key="cagr" value={performance.cagr} />],
          [t("portfolio.mdd"), <Rate key="mdd" value={analytics?.max_drawdown} />],
          [t("portfolio.volatility"), <Rate key="volatility" value={analytics?.volatility} signed={false} />],
          [t("portfolio.sharpe"), <Ratio key="sharpe" value={analytics?.sharpe} />],
          [t("portfolio.sortino"), <Ratio key="sortino" value={analytics?.sortino} />],
          [t("portfolio.calmar"), <Ratio key="calmar" value={analytics?.calmar} />],
          [t("portfolio.winRate"), <Rate key="win" value={analytics?.win_rate} signed={false} />],
          [t("portfolio.profitFactor"), <Ratio key="factor" value={analytics?.profit_factor} />],
          ...(analytics?.benchmark ? ([
            [t("portfolio.benchmark", { name: analytics.benchmark }), <Rate key="benchmark" value={analytics.benchmark_return} />],
            [t("portfolio.excess"), <Rate key="excess" value={analytics.excess_return} />],
            [t("portfolio.beta"), <Ratio key="beta" value={analytics.beta} />],
            [t("portfolio.alpha"), <Rate key="alpha" value={analytics.alpha} />],
            [t("portfolio.trackingError"), <Rate key="tracking" value={analytics.tracking_error} signed={false} />],
          ] as [string, ReactNode][]) : []),
          [t("portfolio.tradesCount"), analytics?.trades ?? "–"],
        ]} />
      </Card>
      <Suspense fallback={<Loading />}>
        <Card title={t("portfolio.equity")}><Curve label={t("portfolio.equity")} tone="accent" points={points.map((each) => ({ date: each.date, value: Number(each.equity) }))} /></Card>
        <Card title={t("portfolio.drawdown")}><Curve label={t("portfolio.drawdown")} tone="bad" percent height={160} points={points.map((each) => ({ date: each.date, value: each.drawdown }))} /></Card>
      </Suspense>
      <Card title={t("portfolio.months")}><MonthTable days={points} /></Card>
    </>
  );
}

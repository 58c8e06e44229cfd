/** Where one stands: assets, profit, positions, the newest orders, and whether the markets are open. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { marketStatus, notices, orders, performance, profile, summary } from "@/api/queries";
import { useAccount } from "@/features/accounts/current";
import { FirstAccount } from "@/features/accounts/first-account";
import { OpenAccount } from "@/features/accounts/open-account";
import { NoticeList } from "@/features/notices/notices";
import { OrderTable } from "@/features/orders/order-table";
import { PositionTable } from "@/features/portfolio/position-table";
import { time } from "@/lib/format";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Facts, Loading, PageTitle } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { Money, Rate } from "@/ui/figures";
import { todayOf } from "./today";

const NEWEST_ORDERS = 8;
const NEWEST_NOTICES = 4;

export function Dashboard() {
  const { t } = useWords();
  const account = useAccount();
  const who = useQuery(profile);
  const [opening, setOpening] = useState(false);
  if (account.loading) return <Loading />;
  if (account.all.length === 0) return <FirstAccount />;
  return (
    <>
      <PageTitle actions={<Button size="small" onClick={() => setOpening(true)}>{t("account.open")}</Button>}>
        {t("dash.greeting", { name: who.data?.name ?? "" })}
      </PageTitle>
      <div className="grid gap-4 lg:grid-cols-3">
        <div className="grid content-start gap-4 lg:col-span-2">
          <Assets accountId={account.current?.id ?? null} />
          <RecentOrders accountId={account.current?.id ?? null} />
        </div>
        <div className="grid content-start gap-4">
          <Markets />
          <News />
        </div>
      </div>
      <Dialog open={opening} onClose={() => setOpening(false)} title={t("account.open")}>
        <OpenAccount onDone={() => setOpening(false)} />
      </Dialog>
    </>
  );
}

function Assets({ accountId }: { accountId: string | null }) {
  const { t } = useWords();
  const { data } = useQuery(summary(accountId));
  if (!data) return <Loading />;
  return (
    <>
      {data.currencies.map((each) => <AssetCard key={each.currency} figures={each} accountId={accountId} />)}
      <Card title={t("dash.positions")} flush>
        <PositionTable positions={data.positions} empty={<Empty action={<FindStock />}>{t("dash.positions.empty")}</Empty>} />
      </Card>
    </>
  );
}

function AssetCard({ figures, accountId }: { figures: Schemas["CurrencyShown"]; accountId: string | null }) {
  const { t } = useWords();
  const { currency } = figures;
  return (
    <Card data-currency={currency}>
      <p className="text-sm text-quiet">{t("dash.total")} · {currency}</p>
      <p className="mb-4 flex flex-wrap items-baseline gap-x-4 gap-y-1">
        <span className="text-3xl font-bold tracking-tight"><Money value={figures.total} currency={currency} /></span>
        {accountId && <DaysProfit accountId={accountId} figures={figures} />}
      </p>
      <Facts columns={4} items={[
        [t("dash.cash"), <Money key="cash" value={figures.available} currency={currency} />],
        [t("portfolio.value"), <Money key="value" value={figures.market_value} currency={currency} />],
        [t("dash.profit"), <Money key="profit" value={figures.unrealized_profit} currency={currency} signed />],
        [t("dash.realized"), <Money key="realized" value={figures.realized_profit} currency={currency} signed />],
      ]} />
    </Card>
  );
}

function DaysProfit({ accountId, figures }: { accountId: string; figures: Schemas["CurrencyShown"] }) {
  const { t } = useWords();
  const { data } = useQuery(performance(accountId));
  const points = data?.items.find((each) => each.currency === figures.currency)?.points;
  const today = points && todayOf(points, figures.total);
  if (!today) return null;
  return (
    <span className="text-sm" data-today={figures.currency}>
      <span className="text-quiet">{t("dash.today")}</span>{" "}
      <span className="font-semibold"><Money value={today.profit} currency={figures.currency} signed /> {today.share !== null && <>(<Rate value={today.share} />)</>}</span>
    </span>
  );
}

function News() {
  const { t } = useWords();
  const { data } = useQuery(notices);
  return (
    <Card title={t("notices.title")}>
      {!data ? <Loading /> : data.items.length === 0 ? <Empty>{t("notices.empty")}</Empty> : <NoticeList items={data.items.slice(0, NEWEST_NOTICES)} />}
    </Card>
  );
}

function RecentOrders({ accountId }: { accountId: string | null }) {
  const { t } = useWords();
  const { data } = useQuery(orders(accountId));
  return (
    <Card title={t("dash.orders")} flush actions={<Link to="/orders" className="text-sm text-accent underline">{t("app.all")}</Link>}>
      {data ? <OrderTable orders={data.items.slice(0, NEWEST_ORDERS)} empty={<Empty>{t("dash.orders.empty")}</Empty>} /> : <Loading />}
    </Card>
  );
}

function FindStock() {
  const { t } = useWords();
  return <Button asChild look="main"><Link to="/market">{t("dash.find")}</Link></Button>;
}

function Markets() {
  const { t, language } = useWords();
  const { data } = useQuery(marketStatus);
  return (
    <Card title={t("dash.market")} className="content-start self-start">
      <ul className="grid gap-3">
        {data?.items.map((each) => (
          <li key={each.market} className="flex items-center justify-between gap-2">
            <span className="font-semibold">{t(`market.${each.market}`)}</span>
            <span className="flex items-center gap-2 text-sm text-quiet">
              {each.session === "regular" ? t("dash.closes", { at: time(language, each.closes_at).slice(0, 5) }) : t("dash.opens", { at: time(language, each.opens_at).slice(0, 5) })}
              <Badge tone={each.session === "regular" ? "good" : "plain"}>{t(each.session === "regular" ? "market.session.regular" : "market.session.closed")}</Badge>
            </span>
          </li>
        ))}
        {data?.replays.map((each) => (
          <li key={each.replay_id} className="text-sm text-quiet">
            <Badge tone="accent">{t("market.replay", { market: t(`market.${each.market}`), date: each.trading_date })}</Badge>
            <span className="mt-1 flex flex-wrap gap-2">
              {each.symbols.slice(0, 12).map((symbol) => <Link key={symbol} to="/market/$symbol" params={{ symbol }} className="text-accent underline">{symbol}</Link>)}
            </span>
          </li>
        ))}
      </ul>
      <div className="mt-5"><FindStock /></div>
    </Card>
  );
}

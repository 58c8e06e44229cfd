/** What one owns and how it has done, account by account. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { summary } from "@/api/queries";
import { useAccount } from "@/features/accounts/current";
import { FirstAccount } from "@/features/accounts/first-account";
import { useWords } from "@/lib/words";
import { Button, Card, Empty, Loading, PageTitle } from "@/ui/basics";
import { Tabs } from "@/ui/tabs";
import { AccountPart } from "./account";
import { Allocation } from "./allocation";
import { Performance } from "./performance";
import { PositionTable } from "./position-table";
import { ClosedTrades, Ledger, Tax } from "./statements";

export function Portfolio() {
  const { t } = useWords();
  const { current, loading } = useAccount();
  if (loading) return <Loading />;
  if (!current) return <FirstAccount />;
  const accountId = current.id;
  return (
    <>
      <PageTitle>{t("portfolio.title")}</PageTitle>
      <Tabs label={t("portfolio.title")} tabs={[
        { key: "positions", name: t("portfolio.positions"), body: <Positions accountId={accountId} /> },
        { key: "performance", name: t("portfolio.performance"), body: <Performance accountId={accountId} /> },
        { key: "allocation", name: t("portfolio.allocation"), body: <Allocation accountId={accountId} /> },
        { key: "trades", name: t("portfolio.trades"), body: <ClosedTrades accountId={accountId} /> },
        { key: "ledger", name: t("portfolio.ledger"), body: <Ledger accountId={accountId} /> },
        { key: "tax", name: t("portfolio.tax"), body: <Tax accountId={accountId} /> },
        { key: "account", name: t("portfolio.account"), body: <AccountPart account={current} /> },
      ]} />
    </>
  );
}

function Positions({ accountId }: { accountId: string }) {
  const { t } = useWords();
  const { data } = useQuery(summary(accountId));
  if (!data) return <Loading />;
  return <Card flush title={t("portfolio.positions")}><PositionTable positions={data.positions} empty={<Empty action={<Button asChild look="main"><Link to="/market">{t("dash.find")}</Link></Button>}>{t("portfolio.empty")}</Empty>} /></Card>;
}

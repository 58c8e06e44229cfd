/** Strategies that trade by themselves: what waits for an answer, what runs, what they said, and who else may speak. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { strategies } from "@/api/queries";
import { KindOf } from "@/features/accounts/real-money";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Loading, PageTitle, type Tone } from "@/ui/basics";
import { Money } from "@/ui/figures";
import { Tabs } from "@/ui/tabs";
import { Approvals } from "./approvals";
import { Hooks } from "./hooks";
import { type Automation, automations, figures, signals } from "./queries";
import { SignalTable } from "./signal-table";

const TONE: Record<Automation["status"], Tone> = { running: "good", paused: "warn", stopped: "plain" };

export function Automations() {
  const { t } = useWords();
  return (
    <>
      <PageTitle actions={<Button asChild look="main"><Link to="/automations/$automationId" params={{ automationId: "new" }}>{t("auto.new")}</Link></Button>}>{t("nav.automations")}</PageTitle>
      <Approvals />
      <Tabs label={t("nav.automations")} tabs={[
        { key: "automations", name: t("nav.automations"), body: <List /> },
        { key: "signals", name: t("auto.signals"), body: <AllSignals /> },
        { key: "hooks", name: t("auto.hooks"), body: <Hooks /> },
      ]} />
    </>
  );
}

function List() {
  const { t } = useWords();
  const { data } = useQuery(automations);
  if (!data) return <Loading />;
  if (data.items.length === 0) return <Card><Empty>{t("auto.empty")}</Empty></Card>;
  return <ul className="grid gap-3 lg:grid-cols-2">{data.items.map((each) => <li key={each.id}><Item automation={each} /></li>)}</ul>;
}

function Item({ automation }: { automation: Automation }) {
  const { t, named } = useWords();
  const { data } = useQuery(figures(automation.id));
  return (
    <Link to="/automations/$automationId" params={{ automationId: automation.id }} className="grid gap-3 rounded-xl border border-line bg-panel p-4 hover:border-accent">
      <span className="flex flex-wrap items-center gap-2">
        <strong className="text-lg">{automation.name}</strong>
        <AutomationStatus status={automation.status} />
        <KindOf accountId={automation.account_id} />
        <Badge tone={automation.mode === "automatic" ? "accent" : "plain"}>{named("auto.mode", automation.mode)}</Badge>
      </span>
      <span className="text-sm text-quiet"><StrategyName automation={automation} /> · {named("auto.interval", automation.interval)} · {automation.symbols.slice(0, 4).join(", ") || t("many.report")}{automation.symbols.length > 4 && ` +${automation.symbols.length - 4}`}</span>
      <span className="grid grid-cols-3 gap-3">
        <Figure name={t("auto.capital")}><Money value={automation.capital} currency={automation.currency} /></Figure>
        <Figure name={t("auto.invested")}>{data ? <Money value={data.invested} currency={data.currency} /> : "–"}</Figure>
        <Figure name={t("auto.profit")}>{data ? <Money value={data.profit} currency={data.currency} signed /> : "–"}</Figure>
      </span>
    </Link>
  );
}

function Figure({ name, children }: { name: string; children: React.ReactNode }) {
  return <span className="grid min-w-0"><span className="text-xs text-quiet">{name}</span><span className="font-semibold">{children}</span></span>;
}

export function AutomationStatus({ status }: { status: Automation["status"] }) {
  const { named } = useWords();
  return <Badge tone={TONE[status]}>{named("auto.status", status)}</Badge>;
}

export function StrategyName({ automation }: { automation: Automation }) {
  const { t } = useWords();
  const { data } = useQuery(strategies);
  if (!automation.strategy_id) return <>{t("auto.strategy.hook")}</>;
  const name = data?.items.find((each) => each.id === automation.strategy_id)?.name ?? t("auto.strategy");
  return <>{name} · {t("strategy.version", { version: automation.version ?? 0 })}</>;
}

function AllSignals() {
  const { t } = useWords();
  const { data } = useQuery(signals(null));
  return data ? <Card flush title={t("auto.signals")}><SignalTable signals={data.items} /></Card> : <Loading />;
}

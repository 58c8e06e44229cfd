/** One automation: what it has and brought, how it is set up, what it said, and how true it is to its backtest. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useState } from "react";
import { api, got } from "@/api/client";
import { explain } from "@/api/problem";
import { accounts } from "@/api/queries";
import { KindOf, useSecondPress } from "@/features/accounts/real-money";
import { dateTime, money, number } from "@/lib/format";
import { retold } from "@/lib/retold";
import { useWords } from "@/lib/words";
import { Badge, Button, Card, Empty, Facts, Loading, Note, PageTitle, Progress, type Tone } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { Money } from "@/ui/figures";
import { Table } from "@/ui/table";
import { Tabs } from "@/ui/tabs";
import { toast, toastProblem } from "@/ui/toasts";
import { Approvals } from "./approvals";
import { AutomationStatus, StrategyName } from "./automations";
import { Drift } from "./drift";
import { NewAutomation } from "./new-automation";
import { type Figures, figures, signals } from "./queries";
import { SignalTable } from "./signal-table";
import { weekdayName } from "./weekdays";

export function AutomationPage() {
  const { automationId = "new" } = useParams({ strict: false });
  return automationId === "new" ? <NewAutomation /> : <Known key={automationId} id={automationId} />;
}

function Known({ id }: { id: string }) {
  const { t, language } = useWords();
  const { data: automation, error } = useQuery(figures(id));
  if (error) return <Empty>{explain(error, language)}</Empty>;
  if (!automation) return <Loading />;
  return (
    <>
      <PageTitle actions={<Steering automation={automation} />}>
        <span className="flex flex-wrap items-center gap-2">{automation.name} <AutomationStatus status={automation.status} /> <KindOf accountId={automation.account_id} /></span>
      </PageTitle>
      {automation.reason && automation.status !== "running" && (
        <div className="mb-4"><Note tone="warn">{t("auto.paused", { reason: retold(language, automation.reason) })}{automation.cool_off_until && ` ${t("auto.coolUntil", { at: dateTime(language, automation.cool_off_until) })}`}</Note></div>
      )}
      <Approvals automationId={id} />
      <div className="mb-4 grid gap-4 lg:grid-cols-2">
        <MoneyCard automation={automation} />
        <Setup automation={automation} />
      </div>
      <Tabs label={automation.name} tabs={[
        { key: "signals", name: t("auto.signals"), body: <Signals id={id} /> },
        { key: "drift", name: t("auto.drift"), body: <Drift automation={automation} /> },
        { key: "runs", name: t("auto.runs"), body: <Runs id={id} daily={automation.interval === "1d"} /> },
      ]} />
    </>
  );
}

function MoneyCard({ automation }: { automation: Figures }) {
  const { t } = useWords();
  const { currency } = automation;
  return (
    <Card title={t("auto.figures")} className="self-start">
      <div className="mb-4"><Progress label={t("auto.invested")} value={Number(automation.invested)} max={Number(automation.capital)} /></div>
      <Facts items={[
        [t("auto.capital"), <Money key="capital" value={automation.capital} currency={currency} />],
        [t("auto.invested"), <Money key="invested" value={automation.invested} currency={currency} />],
        [t("auto.profit"), <Money key="profit" value={automation.profit} currency={currency} signed />],
        [t("auto.today"), <Money key="today" value={automation.profit_today} currency={currency} signed />],
        [t("auto.open"), automation.open_trips],
        [t("auto.closed"), automation.closed_trips],
        [t("auto.ordersToday"), automation.orders_today],
      ]} />
    </Card>
  );
}

function Setup({ automation }: { automation: Figures }) {
  const { t, language, named } = useWords();
  const account = useQuery(accounts).data?.items.find((each) => each.id === automation.account_id);
  const cash = (value: string | null): string => (value === null ? t("auto.none") : money(language, value, automation.currency));
  const time = (value: string | null): string => value?.slice(0, 5) ?? "…";
  return (
    <Card title={t("auto.setup")} className="self-start">
      <Facts items={[
        [t("auto.account"), account?.name ?? "–"],
        [t("auto.strategy"), automation.strategy_id ? <Link key="strategy" to="/strategies/$strategyId" params={{ strategyId: automation.strategy_id }} className="text-accent underline"><StrategyName automation={automation} /></Link> : t("auto.strategy.hook")],
        [t("auto.symbols"), automation.symbols.join(", ") || t("many.report")],
        [t("auto.mode"), automation.mode === "ask" ? `${named("auto.mode", automation.mode)} · ${number(language, automation.answer_seconds)} s` : named("auto.mode", automation.mode)],
        [t("auto.schedule"), <span key="when">{named("auto.interval", automation.interval)} · {automation.weekdays.map((each) => weekdayName(language, each)).join(" ")}{(automation.not_before ?? automation.not_after) && ` · ${time(automation.not_before)}–${time(automation.not_after)}`}</span>],
        [t("auto.positions"), automation.positions_max],
        [t("auto.orderMax"), cash(automation.order_value_max)],
        [t("auto.ordersMax"), automation.orders_per_day_max ?? t("auto.none")],
        [t("auto.lossMax"), cash(automation.daily_loss_max)],
        [t("auto.coolOff"), automation.cool_off_minutes],
      ]} />
    </Card>
  );
}

type Move = "start" | "pause" | "stop" | "delete";

function Steering({ automation }: { automation: Figures }) {
  const { t } = useWords();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState<"stop" | "delete" | null>(null);
  const path = { automation_id: automation.id };
  const steer = useMutation({
    mutationFn: async (move: Move) => {
      if (move === "start") await got(api.POST("/api/v1/trading/automations/{automation_id}/start", { params: { path } }));
      if (move === "pause") await got(api.POST("/api/v1/trading/automations/{automation_id}/pause", { params: { path } }));
      if (move === "stop") await got(api.POST("/api/v1/trading/automations/{automation_id}/stop", { params: { path } }));
      if (move === "delete") await got(api.DELETE("/api/v1/trading/automations/{automation_id}", { params: { path } }));
      return move;
    },
    onSuccess: async (move) => {
      await queries.invalidateQueries({ queryKey: ["automations"] });
      if (move === "delete") {
        await navigate({ to: "/automations" });
        return;
      }
      toast(t(move === "start" ? "auto.status.running" : move === "pause" ? "auto.pause.why" : "auto.status.stopped"), "good");
    },
    onError: toastProblem,
    onSettled: (_, problem, move) => {
      setAsking(null);
      return move === "delete" && !problem ? undefined : queries.invalidateQueries({ queryKey: ["automation", automation.id] });
    },
  });
  const { status } = automation;
  const { ask, dialog } = useSecondPress(automation.account_id);
  return (
    <>
      {dialog}
      {status !== "running" && <Button look="main" busy={steer.isPending} onClick={() => ask(t("auto.start.live", { name: automation.name }), () => steer.mutate("start"))}>{t("auto.start")}</Button>}
      {status === "running" && <Button busy={steer.isPending} title={t("auto.pause.why")} onClick={() => steer.mutate("pause")}>{t("auto.pause")}</Button>}
      {status !== "stopped" && <Button look="danger" busy={steer.isPending} onClick={() => setAsking("stop")}>{t("auto.stop")}</Button>}
      {status === "stopped" && <Button look="quiet" busy={steer.isPending} onClick={() => setAsking("delete")}>{t("app.delete")}</Button>}
      <Dialog open={asking !== null} onClose={() => setAsking(null)} title={t(asking === "delete" ? "auto.delete.title" : "auto.stop.title")}>
        <p>{t(asking === "delete" ? "auto.delete.why" : "auto.stop.why")}</p>
        {automation.open_trips > 0 && <p className="mt-2 font-semibold">{t("auto.stop.held", { count: automation.open_trips })}</p>}
        <div className="mt-4 flex justify-end gap-2">
          <Button onClick={() => setAsking(null)}>{t("app.cancel")}</Button>
          <Button look="danger" busy={steer.isPending} onClick={() => asking && steer.mutate(asking)}>{t(asking === "delete" ? "app.delete" : "auto.stop")}</Button>
        </div>
      </Dialog>
    </>
  );
}

function Signals({ id }: { id: string }) {
  const { t } = useWords();
  const { data } = useQuery(signals(id));
  return data ? <Card flush title={t("auto.signals")}><SignalTable signals={data.items} /></Card> : <Loading />;
}

const RUN_TONE: Record<string, Tone> = { done: "good", skipped: "warn" };

function Runs({ id, daily }: { id: string; daily: boolean }) {
  const { t, language, named } = useWords();
  const { data } = useQuery({
    queryKey: ["automation", id, "runs"],
    queryFn: () => got(api.GET("/api/v1/trading/automations/{automation_id}/runs", { params: { path: { automation_id: id }, query: { limit: 100 } } })),
  });
  if (!data) return <Loading />;
  const why = (outcome: Record<string, unknown> | null): string => (typeof outcome?.why === "string" ? retold(language, outcome.why) : "");
  return (
    <Card flush title={t("auto.runs")}>
      <Table label={t("auto.runs")} rows={data.items} keyOf={(each) => `${each.phase} ${each.symbol} ${each.scheduled_at}`} empty={<Empty>{t("auto.runs.empty")}</Empty>} columns={[
        { key: "due", head: t("auto.run.due"), cell: (each) => <span className="num">{dateTime(language, each.due_at)}</span> },
        { key: "phase", head: t("auto.run.phase"), cell: (each) => named("auto.phase", each.phase) },
        { key: "symbol", head: t("order.symbol"), cell: (each) => <strong>{each.symbol}</strong> },
        { key: "bar", head: t("drift.bar"), cell: (each) => each.phase === "evaluate" && <span className="num text-quiet">{daily ? each.scheduled_at.slice(0, 10) : dateTime(language, each.scheduled_at)}</span> },
        { key: "status", head: t("order.status"), cell: (each) => <Badge tone={RUN_TONE[each.status] ?? "plain"}>{named("auto.run", each.status)}</Badge> },
        { key: "settled", head: t("auto.run.settled"), wide: true, cell: (each) => each.settled_at && <span className="num text-quiet">{dateTime(language, each.settled_at)}</span> },
        { key: "why", head: t("signal.why"), wide: true, cell: (each) => <span className="text-sm text-quiet">{why(each.outcome)}</span> },
      ]} />
    </Card>
  );
}

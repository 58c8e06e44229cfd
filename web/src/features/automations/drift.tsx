/** A day side by side: what a backtest of the version says of each bar, and what its automations saw, did and got. */
import { useQueries, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { explain } from "@/api/problem";
import { KindOf } from "@/features/accounts/real-money";
import { dateTime, number } from "@/lib/format";
import { retold } from "@/lib/retold";
import { useWords } from "@/lib/words";
import { Card, Empty, Loading, Note } from "@/ui/basics";
import { Price } from "@/ui/figures";
import { Input } from "@/ui/form";
import { Table } from "@/ui/table";
import { type DriftCell, type DriftLine, sideBySide } from "./drift-rows";
import { type Automation, automations, drift, signals } from "./queries";
import { SignalStatus } from "./signal-table";

const SHOWN_MAX = 4;
/** Paper and live of one version stand beside one another, this one first. */
const kin = (one: Automation, all: readonly Automation[]): Automation[] =>
  [one, ...all.filter((each) => each.id !== one.id && each.strategy_id === one.strategy_id && each.version === one.version && each.interval === one.interval)].slice(0, SHOWN_MAX);

export function Drift({ automation }: { automation: Automation }) {
  const { t, language } = useWords();
  const last = useQuery(signals(automation.id)).data?.items.find((each) => each.bar)?.bar;
  const [picked, setPicked] = useState("");
  const day = picked || (last ?? new Date().toISOString()).slice(0, 10);
  const shown = kin(automation, useQuery(automations).data?.items ?? []);
  const reports = useQueries({ queries: shown.map((each) => ({ ...drift(each.id, day), enabled: automation.strategy_id !== null })) });
  if (automation.strategy_id === null) return <Card><Empty>{t("drift.hookOnly")}</Empty></Card>;
  const own = reports[0];
  const lines = sideBySide(reports.map((each) => each.data));
  return (
    <Card flush title={t("auto.drift")}>
      <div className="grid gap-3 p-4">
        <Input name="day" type="date" label={t("drift.day")} value={day} onText={setPicked} className="w-44" />
        {own?.error && <Note tone="bad" role="alert">{explain(own.error, language)}</Note>}
        {own?.data?.differences.map((each) => <Note key={each} tone="warn">{retold(language, each)}</Note>)}
        {own?.data && own.data.rows.length > 0 && own.data.differences.length === 0 && <Note tone="good">✓ {t("drift.same")}</Note>}
      </div>
      {own?.isPending ? <Loading /> : own?.data && (
        <Table<DriftLine> label={t("auto.drift")} rows={lines} keyOf={(line) => line.key} empty={<Empty>{t("drift.empty")}</Empty>} columns={[
          { key: "symbol", head: t("order.symbol"), cell: (line) => <strong>{line.symbol}</strong> },
          { key: "bar", head: t("drift.bar"), cell: (line) => <span className="num text-quiet">{automation.interval === "1d" ? line.bar.slice(0, 10) : dateTime(language, line.bar)}</span> },
          { key: "backtest", head: t("drift.backtest"), cell: (line) => <Said entry={line.backtest.entry} exit={line.backtest.exit} /> },
          ...shown.map((each, at) => ({
            key: each.id,
            head: <span className="inline-flex items-center gap-1.5"><KindOf accountId={each.account_id} /> {each.name}</span>,
            cell: (line: DriftLine) => <Cell row={line.cells[at] ?? null} currency={each.currency} />,
          })),
        ]} />
      )}
      <p className="px-4 pb-3 text-xs text-quiet">{t("drift.gap.hint")}</p>
    </Card>
  );
}

function Said({ entry, exit }: { entry: boolean; exit: boolean }) {
  const { t } = useWords();
  const words = [...(entry ? [t("drift.buy")] : []), ...(exit ? [t("drift.sell")] : [])];
  return <span className={words.length > 0 ? "font-semibold" : "text-quiet"}>{words.join(" · ") || t("drift.nothing")}</span>;
}

function Cell({ row, currency }: { row: DriftCell | null; currency: Automation["currency"] }) {
  const { t, language } = useWords();
  if (row === null || row.entry === null || row.exit === null) return <span className="text-quiet">{t("drift.unseen")}</span>;
  return (
    <span className="grid gap-1 py-1">
      <span className="flex flex-wrap items-center gap-2">
        <Said entry={row.entry} exit={row.exit} />
        {row.signal_status && <SignalStatus status={row.signal_status} />}
        {row.fill && <><Price value={row.fill.backtest_price} currency={currency} /> → <Price value={row.fill.price} currency={currency} className="font-semibold" /></>}
      </span>
      {row.fill && <span className="num text-xs text-quiet">{t("drift.gap", { price: number(language, row.fill.price_gap), fee: number(language, row.fill.fee_gap), seconds: row.fill.latency_seconds })}</span>}
    </span>
  );
}

/** A day side by side: what a backtest of the version says of each bar, and what its automations saw, did and got. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Schemas } from "@/api/client";
import { explain } from "@/api/problem";
import { dateTime, number } from "@/lib/format";
import { retold } from "@/lib/retold";
import { useWords } from "@/lib/words";
import { AccountKind, Card, Empty, Loading, Note } from "@/ui/basics";
import { Price } from "@/ui/figures";
import { Input } from "@/ui/form";
import { Table } from "@/ui/table";
import { type DriftCell, type DriftLine, sideBySide } from "./drift-rows";
import { type Automation, drift, signals } from "./queries";
import { SignalStatus } from "./signal-table";

export function Drift({ automation }: { automation: Automation }) {
  const { t, language } = useWords();
  const last = useQuery(signals(automation.id)).data?.items.find((each) => each.bar)?.bar;
  const [picked, setPicked] = useState("");
  const day = picked || (last ?? new Date().toISOString()).slice(0, 10);
  const report = useQuery({ ...drift(automation.id, day), enabled: automation.strategy_id !== null });
  if (automation.strategy_id === null) return <Card><Empty>{t("drift.hookOnly")}</Empty></Card>;
  const { data } = report;
  // This one first; the others of its version beside it, so that paper and live are read in one line.
  const columns = data ? [{ id: automation.id, name: automation.name, kind: data.account_kind }, ...data.beside.map((each) => ({ id: each.automation_id, name: each.name, kind: each.account_kind }))] : [];
  return (
    <Card flush title={t("auto.drift")}>
      <div className="grid gap-3 p-4">
        <Input name="day" type="date" label={t("drift.day")} value={day} onText={setPicked} className="w-44" />
        {report.error && <Note tone="bad" role="alert">{explain(report.error, language)}</Note>}
        {data?.differences.map((each) => <Note key={each} tone="warn">{retold(language, each)}</Note>)}
        {data && data.rows.length > 0 && data.differences.length === 0 && <Note tone="good">✓ {t("drift.same")}</Note>}
        {data?.beside.map((each) => <Apart key={each.automation_id} name={data.account_kind === "live" ? automation.name : each.name} gaps={each.live_against_paper} />)}
      </div>
      {report.isPending ? <Loading /> : data && (
        <Table<DriftLine> label={t("auto.drift")} rows={sideBySide([data, ...data.beside])} keyOf={(line) => line.key} empty={<Empty>{t("drift.empty")}</Empty>} columns={[
          { key: "symbol", head: t("order.symbol"), cell: (line) => <strong>{line.symbol}</strong> },
          { key: "bar", head: t("drift.bar"), cell: (line) => <span className="num text-quiet">{automation.interval === "1d" ? line.bar.slice(0, 10) : dateTime(language, line.bar)}</span> },
          { key: "backtest", head: t("drift.backtest"), cell: (line) => <Said entry={line.backtest.entry} exit={line.backtest.exit} /> },
          ...columns.map((each, at) => ({
            key: each.id,
            head: <span className="inline-flex items-center gap-1.5"><AccountKind kind={each.kind} /> {each.name}</span>,
            cell: (line: DriftLine) => <Cell row={line.cells[at] ?? null} currency={automation.currency} />,
          })),
        ]} />
      )}
      <p className="px-4 pb-3 text-xs text-quiet">{t("drift.gap.hint")}</p>
    </Card>
  );
}

/** What real money changed, fill by fill of the same bars. */
function Apart({ name, gaps }: { name: string; gaps: Schemas["DriftBeside"]["live_against_paper"] }) {
  const { t, language } = useWords();
  return gaps.map((each) => (
    <Note key={`${each.symbol} ${each.bar}`} tone="accent">
      {t("drift.livePaper", { name, symbol: each.symbol, price: number(language, each.price_gap), fee: number(language, each.fee_gap), seconds: each.latency_gap_seconds })}
    </Note>
  ));
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

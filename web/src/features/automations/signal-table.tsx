/** Every signal with the numbers behind it, whether or not it became an order. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { Schemas } from "@/api/client";
import { SideWord } from "@/features/orders/order-table";
import { dateTime, number } from "@/lib/format";
import { retold } from "@/lib/retold";
import { useWords } from "@/lib/words";
import { Badge, Empty, type Tone } from "@/ui/basics";
import { Price } from "@/ui/figures";
import { Table } from "@/ui/table";
import { automations, type Signal } from "./queries";

const TONE: Record<Signal["status"], Tone> = {
  noted: "plain", asked: "warn", waiting: "accent", ordered: "good", declined: "plain", expired: "plain", refused: "bad", skipped: "plain",
};
const PLACES = 4;

export function SignalStatus({ status }: { status: Signal["status"] }) {
  const { named } = useWords();
  return <Badge tone={TONE[status]}>{named("signal.status", status)}</Badge>;
}

/** What a rule looked at, and what it found there. */
export function Reasons({ reasons }: { reasons: readonly Schemas["ReasonShown"][] }) {
  const { language } = useWords();
  const shown = (value: string): string => (/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(value) ? number(language, Number(value), PLACES) : value);
  if (reasons.length === 0) return null;
  return (
    <ul className="flex flex-wrap gap-1.5">
      {reasons.map(({ text, value }) => <li key={text} className="rounded-md bg-raised px-2 py-0.5 text-xs" title={value}><code>{text}</code> <strong className="num">{shown(value)}</strong></li>)}
    </ul>
  );
}

export function SignalTable({ signals }: { signals: readonly Signal[] }) {
  const { t, language, named } = useWords();
  const known = useQuery(automations).data?.items ?? [];
  const currencyOf = (signal: Signal) => known.find((each) => each.id === signal.automation_id)?.currency;
  const priceOf = (signal: Signal) => {
    const currency = currencyOf(signal);
    return currency ? <Price value={signal.price} currency={currency} /> : <span className="num">{number(language, signal.price)}</span>;
  };
  return (
    <Table label={t("auto.signals")} rows={signals} keyOf={(each) => each.id} empty={<Empty>{t("signal.empty")}</Empty>} columns={[
      { key: "time", head: t("order.time"), cell: (each) => <span className="num text-quiet">{dateTime(language, each.raised_at)}</span> },
      { key: "symbol", head: t("order.symbol"), cell: (each) => <span className="whitespace-nowrap"><strong>{each.symbol}</strong> <SideWord side={each.side === "sell" ? "sell" : "buy"} /></span> },
      { key: "kind", head: t("signal.kind"), wide: true, cell: (each) => named("signal.kind", each.kind) },
      { key: "price", head: t("order.price"), right: true, wide: true, cell: priceOf },
      { key: "why", head: t("signal.why"), wide: true, cell: (each) => <Reasons reasons={each.reasons} /> },
      { key: "status", head: t("order.status"), cell: (each) => <SignalStatus status={each.status} /> },
      { key: "became", head: t("signal.became"), cell: (each) => each.order_id
        ? <Link to="/orders/$orderId" params={{ orderId: each.order_id }} className="text-accent underline whitespace-nowrap">{t("signal.order")}</Link>
        : <span className="text-sm text-quiet">{each.detail && retold(language, each.detail)}</span> },
    ]} />
  );
}

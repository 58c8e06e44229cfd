/** The order ticket: what it will cost and whether risk lets it pass is seen before anything is sent. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { summary } from "@/api/queries";
import { useAccount } from "@/features/accounts/current";
import { useWords } from "@/lib/words";
import type { Quote } from "@/live/market";
import { AccountKind, Button, Card, cx, Note } from "@/ui/basics";
import { Dialog } from "@/ui/dialog";
import { Money } from "@/ui/figures";
import { Form, Input, Segments, Select } from "@/ui/form";
import { usePlacing } from "./place";
import { OutcomeNote, usePreview, Verdict } from "./preview";
import { FRESH, hasPrice, hasStop, lack, mayBePaired, orderOf, portion, type OrderType, stepped, type Terms, type TimeInForce, type Venue } from "./ticket-terms";

const TYPES: OrderType[] = ["limit", "market", "stop", "stop_limit", "trailing_stop"];
const TIMES: TimeInForce[] = ["day", "gtc", "ioc", "fok", "at_open", "at_close"];
const VENUES: Venue[] = ["KRX", "NXT", "SOR"];
const SHARES = [10, 25, 50, 100];

interface TicketProps { symbol: string; quote: Quote | null; picked: { price: string; times: number } | null }

export function Ticket({ symbol, quote, picked }: TicketProps) {
  const { t, named } = useWords();
  const { current: account } = useAccount();
  const [terms, setTerms] = useState<Terms>(FRESH);
  const [confirming, setConfirming] = useState(false);
  const [tried, setTried] = useState(false);
  const { place, outcome, busy, forget } = usePlacing();
  const change = (changes: Partial<Terms>): void => {
    setTerms((before) => ({ ...before, ...changes }));
    forget();
  };
  useFirstPrice(quote, picked, change);
  const box = useKeys(change);
  const missing = lack(terms);
  const preview = usePreview(missing || !account ? null : orderOf(terms, account.id, symbol, "preview"));
  if (!account) return <Card title={t("ticket.title")}><Note tone="accent">{t("ticket.noAccount")} <Link to="/" className="underline">{t("account.open")}</Link></Note></Card>;

  const send = (): void => {
    setConfirming(false);
    void place((id) => orderOf(terms, account.id, symbol, id));
  };
  const submit = (): void => {
    setTried(true);
    if (missing) return;
    if (account.kind === "live") setConfirming(true);
    else send();
  };
  const kind = t(account.kind === "live" ? "account.live" : "account.paper");
  return (
    <div ref={box}>
      <Card title={t("ticket.title")} actions={<AccountKind kind={account.kind} />} className={cx(account.kind === "live" ? "border-2 border-live" : "border-dashed")} data-kind={account.kind}>
        <Form onSubmit={submit} error={outcome?.kind === "denied" ? outcome.problem : preview.error} label={t("ticket.title")}>
          <Segments grow label={t("ticket.side")} value={terms.side} onChange={(side) => change({ side })}
            options={[["buy", t("side.buy")], ["sell", t("side.sell")]]}
            tone={(side) => (side === "buy" ? "bg-up text-on-move" : "bg-down text-on-move")} />
          <Select name="order_type" label={t("ticket.type")} value={terms.type} onText={(type) => change({ type: type as OrderType })} options={TYPES.map((each) => [each, named("type", each)])} />
          <Prices terms={terms} change={change} tried={tried} missing={missing} />
          <Amount terms={terms} change={change} tried={tried} missing={missing} accountId={account.id} symbol={symbol} quote={quote} />
          <More terms={terms} change={change} isKorean={quote?.market === "KRX"} />
          {/* What was denied says why itself. */}
          {outcome?.kind !== "denied" && <Verdict preview={preview} />}
          {outcome && <OutcomeNote outcome={outcome} />}
          <Button type="submit" look={terms.side === "buy" ? "up" : "down"} size="large" busy={busy}>
            {t(terms.side === "buy" ? "ticket.buy" : "ticket.sell", { kind })}
          </Button>
          <p className="hidden text-xs text-quiet md:block">{t("ticket.keys")}</p>
        </Form>
      </Card>
      <Dialog open={confirming} onClose={() => setConfirming(false)} title={t("ticket.confirmLive")}>
        <Note tone="warn">{t("ticket.confirmLive.body", { account: account.name, symbol, quantity: terms.quantity, side: named("side", terms.side) })}</Note>
        <div className="mt-4 flex justify-end gap-2">
          <Button onClick={() => setConfirming(false)}>{t("app.cancel")}</Button>
          <Button look={terms.side === "buy" ? "up" : "down"} onClick={send}>{t("ticket.confirmLive.do")}</Button>
        </div>
      </Dialog>
    </div>
  );
}

/** The price starts at the last one, and follows what is pressed in the book. */
function useFirstPrice(quote: Quote | null, picked: TicketProps["picked"], change: (changes: Partial<Terms>) => void): void {
  const filled = useRef(false);
  const apply = useRef(change);
  apply.current = change;
  useEffect(() => {
    if (filled.current || !quote) return;
    filled.current = true;
    apply.current({ price: quote.ask !== "0" ? quote.ask : quote.price });
  }, [quote]);
  useEffect(() => {
    if (picked) apply.current({ price: picked.price, type: "limit" });
  }, [picked]);
}

/** B and S take a side from anywhere on the page; the cursor then stands in the quantity. */
function useKeys(change: (changes: Partial<Terms>) => void) {
  const box = useRef<HTMLDivElement>(null);
  const apply = useRef(change);
  apply.current = change;
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || (event.target as HTMLElement).closest("input, textarea, select, dialog")) return;
      const side = ({ KeyB: "buy", KeyS: "sell" } as const)[event.code];
      if (!side) return;
      event.preventDefault();
      apply.current({ side });
      const quantity = box.current?.querySelector<HTMLInputElement>("input[name=quantity]");
      quantity?.focus();
      quantity?.select();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
  return box;
}

interface PartProps { terms: Terms; change: (changes: Partial<Terms>) => void; tried: boolean; missing: ReturnType<typeof lack> }

function Prices({ terms, change, tried, missing }: PartProps) {
  const { t } = useWords();
  const lacks = (name: typeof missing) => (tried && missing === name ? t("ticket.needPrice") : null);
  return (
    <>
      {hasStop(terms.type) && <Input name="stop_price" label={t("ticket.stop")} inputMode="decimal" value={terms.stop} onText={(stop) => change({ stop })} problem={lacks("stop")} />}
      {hasPrice(terms.type) && <Input name="limit_price" label={t("ticket.price")} inputMode="decimal" value={terms.price} onText={(price) => change({ price })} problem={lacks("price")} />}
      {terms.type === "trailing_stop" && <Input name="trail_percent" label={t("ticket.trail")} inputMode="decimal" value={terms.trail} onText={(trail) => change({ trail })} problem={lacks("trail")} />}
    </>
  );
}

function Amount({ terms, change, tried, missing, accountId, symbol, quote }: PartProps & { accountId: string; symbol: string; quote: Quote | null }) {
  const { t } = useWords();
  const { data } = useQuery(summary(accountId));
  const currency = quote?.currency;
  const cash = data?.currencies.find((each) => each.currency === currency)?.available ?? "0";
  const sellable = data?.positions.find((each) => each.symbol === symbol)?.sellable ?? "0";
  const price = hasPrice(terms.type) ? terms.price : (quote?.ask ?? "0");
  const onKey = (event: KeyboardEvent): void => {
    const way = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!way) return;
    event.preventDefault();
    change({ quantity: stepped(terms.quantity, way * (event.shiftKey ? 10 : 1)) });
  };
  return (
    <>
      <Input name="quantity" label={t("ticket.quantity")} inputMode="decimal" value={terms.quantity} onText={(quantity) => change({ quantity })} onKeyDown={onKey}
        problem={tried && missing === "quantity" ? t("ticket.needQuantity") : null} />
      <div className="grid grid-cols-4 gap-1.5" role="group" aria-label={t("ticket.share")}>
        {SHARES.map((each) => <Button key={each} size="small" onClick={() => change({ quantity: portion(terms.side, each, cash, price, sellable) })}>{each}%</Button>)}
      </div>
      <p className="text-xs text-quiet">
        {terms.side === "sell" ? t("ticket.sellable", { quantity: sellable }) : currency && <AvailableCash amount={cash} currency={currency} />}
      </p>
    </>
  );
}

function AvailableCash({ amount, currency }: { amount: string; currency: Quote["currency"] }) {
  const { t } = useWords();
  const [before, after] = t("ticket.available", { amount: "\u0000" }).split("\u0000");
  return <>{before}<Money value={amount} currency={currency} />{after}</>;
}

function More({ terms, change, isKorean }: Pick<PartProps, "terms" | "change"> & { isKorean: boolean }) {
  const { t, named } = useWords();
  return (
    <details className="rounded-lg border border-line px-3 py-2">
      <summary className="text-sm font-medium text-quiet">{t("ticket.more")}</summary>
      <div className="mt-3 grid gap-3">
        <Select name="time_in_force" label={t("ticket.tif")} value={terms.timeInForce} onText={(time) => change({ timeInForce: time as TimeInForce })} options={TIMES.map((each) => [each, named("tif", each)])} />
        {isKorean && <Select name="venue" label={t("ticket.venue")} value={terms.venue ?? "KRX"} onText={(venue) => change({ venue: venue as Venue })} options={VENUES.map((each) => [each, named("venue", each)])} />}
        {mayBePaired(terms) && (
          <>
            <Input name="oco_stop_price" label={t("ticket.otherStop")} inputMode="decimal" value={terms.otherStop} onText={(otherStop) => change({ otherStop })} />
            {terms.otherStop.trim() && <Input name="oco_stop_limit_price" label={t("ticket.otherStopLimit")} inputMode="decimal" value={terms.otherStopLimit} onText={(otherStopLimit) => change({ otherStopLimit })} />}
          </>
        )}
        {terms.side === "buy" && !terms.otherStop.trim() && (
          <>
            <Input name="take_profit_price" label={t("ticket.takeProfit")} inputMode="decimal" value={terms.takeProfit} onText={(takeProfit) => change({ takeProfit })} />
            <Input name="stop_loss_price" label={t("ticket.stopLoss")} inputMode="decimal" value={terms.stopLoss} onText={(stopLoss) => change({ stopLoss })} />
          </>
        )}
      </div>
    </details>
  );
}

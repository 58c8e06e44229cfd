/** What a half-written order asks for: checked as far as it can be without the server, and put into the server's words. */
import type { Schemas } from "@/api/client";
import { compare, isDecimal, shareOf, wholeTimes } from "@/lib/decimal";

export type Side = Schemas["PlaceOrder"]["side"];
export type OrderType = Schemas["PlaceOrder"]["order_type"];
export type TimeInForce = NonNullable<Schemas["PlaceOrder"]["time_in_force"]>;
export type Venue = NonNullable<Schemas["PlaceOrder"]["venue"]>;

export interface Terms {
  side: Side;
  type: OrderType;
  quantity: string;
  price: string;
  stop: string;
  trail: string;
  timeInForce: TimeInForce;
  takeProfit: string;
  stopLoss: string;
  otherStop: string;
  otherStopLimit: string;
  venue: Venue | null;
}

export const FRESH: Terms = { side: "buy", type: "limit", quantity: "1", price: "", stop: "", trail: "3", timeInForce: "day", takeProfit: "", stopLoss: "", otherStop: "", otherStopLimit: "", venue: null };

export const hasPrice = (type: OrderType): boolean => type === "limit" || type === "stop_limit";
/** Whether another buy may stand beside it, of which one cancels the other. */
export const mayBePaired = (terms: Terms): boolean => terms.side === "buy" && terms.type === "limit" && !terms.takeProfit.trim() && !terms.stopLoss.trim();
export const hasStop = (type: OrderType): boolean => type === "stop" || type === "stop_limit";

export type Lack = "quantity" | "price" | "stop" | "trail";

/** The first thing that is missing; null when the server may be asked. */
export function lack(terms: Terms): Lack | null {
  if (!isPositive(terms.quantity)) return "quantity";
  if (hasPrice(terms.type) && !isPositive(terms.price)) return "price";
  if (hasStop(terms.type) && !isPositive(terms.stop)) return "stop";
  if (terms.type === "trailing_stop" && !isPositive(terms.trail)) return "trail";
  return null;
}

function isPositive(text: string): boolean {
  return isDecimal(text) && compare(text, "0") > 0;
}

export function orderOf(terms: Terms, accountId: string, symbol: string, clientOrderId: string): Schemas["PlaceOrder"] {
  const text = (value: string): string | null => value.trim() || null;
  return {
    account_id: accountId,
    client_order_id: clientOrderId,
    symbol,
    side: terms.side,
    order_type: terms.type,
    quantity: terms.quantity.trim(),
    limit_price: hasPrice(terms.type) ? text(terms.price) : null,
    stop_price: hasStop(terms.type) ? text(terms.stop) : null,
    trail_percent: terms.type === "trailing_stop" ? text(terms.trail) : null,
    time_in_force: terms.timeInForce,
    venue: terms.venue,
    oco_stop_price: mayBePaired(terms) ? text(terms.otherStop) : null,
    oco_stop_limit_price: mayBePaired(terms) ? text(terms.otherStopLimit) : null,
    take_profit_price: terms.side === "buy" ? text(terms.takeProfit) : null,
    stop_loss_price: terms.side === "buy" ? text(terms.stopLoss) : null,
  };
}

/** A quantity one step up or down, never below one share. */
export function stepped(quantity: string, by: number): string {
  const whole = Number.parseInt(quantity || "0", 10) || 0;
  return String(Math.max(1, whole + by));
}

/** The shares that a percentage of what is possible buys or sells. */
export function portion(side: Side, percent: number, cash: string, price: string, sellable: string): string {
  const shares = side === "buy" ? wholeTimes(shareOf(cash, percent), price) : shareOf(sellable, percent);
  return compare(shares, "1") < 0 ? "1" : shares;
}

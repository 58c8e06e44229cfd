/** An automation as its form holds it, and as the platform is asked for it. */
import type { Schemas } from "@/api/client";
import { wholeTimes } from "@/lib/decimal";

export type CreateAutomation = Schemas["CreateAutomation"];
export type Mode = Schemas["AutomationShown"]["mode"];
export type Interval = Schemas["AutomationShown"]["interval"];

export interface AutomationForm {
  name: string; accountId: string; strategyId: string; version: string; symbols: string;
  interval: Interval; weekdays: readonly number[]; notBefore: string; notAfter: string; historyFrom: string;
  capital: string; positions: string; orderMax: string; ordersMax: string; lossMax: string; coolOff: string;
  mode: Mode; answerSeconds: string;
}

export const FRESH: AutomationForm = {
  name: "", accountId: "", strategyId: "", version: "", symbols: "",
  interval: "1d", weekdays: [1, 2, 3, 4, 5], notBefore: "", notAfter: "", historyFrom: "",
  capital: "", positions: "", orderMax: "", ordersMax: "", lossMax: "", coolOff: "60",
  mode: "notify", answerSeconds: "300",
};

/** What a portfolio brings itself: its universe, how many it holds, and that it looks at days. */
export const ALONE: Pick<AutomationForm, "symbols" | "positions" | "interval"> = { symbols: "", positions: "", interval: "1d" };

/** The codes in a text, apart by anything that is no part of one; each once, as it was first written. */
export function symbolsIn(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter(Boolean).map((each) => each.toUpperCase()))];
}

/** What one position may take of the capital, in whole units of its currency; null while that cannot be told. */
export function eachPosition(form: Pick<AutomationForm, "capital" | "positions" | "symbols">): string | null {
  const positions = form.positions.trim() || String(symbolsIn(form.symbols).length);
  const each = wholeTimes(form.capital, positions);
  return each === "0" ? null : each;
}

export function requestOf(form: AutomationForm): CreateAutomation {
  const text = (value: string): string | null => value.trim() || null;
  // What is no number is sent as it stands: the platform says so beside the field.
  const whole = (value: string): number | null => (value.trim() ? (/^\d+$/.test(value.trim()) ? Number(value) : (value.trim() as never)) : null);
  return {
    name: form.name.trim(),
    account_id: form.accountId,
    strategy_id: text(form.strategyId),
    version: form.strategyId ? whole(form.version) : null,
    symbols: symbolsIn(form.symbols),
    interval: form.interval,
    weekdays: [...form.weekdays].sort(),
    not_before: text(form.notBefore),
    not_after: text(form.notAfter),
    history_from: text(form.historyFrom),
    capital: form.capital.trim(),
    positions_max: whole(form.positions),
    order_value_max: text(form.orderMax),
    orders_per_day_max: whole(form.ordersMax),
    daily_loss_max: text(form.lossMax),
    mode: form.mode,
    ...(form.mode === "ask" ? { answer_seconds: whole(form.answerSeconds) ?? 300 } : {}),
    ...(form.coolOff.trim() ? { cool_off_minutes: whole(form.coolOff) ?? 60 } : {}),
  };
}

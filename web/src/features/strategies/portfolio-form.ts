/** The part of a strategy that makes it one of many stocks, as its form holds it. */
import type { Schemas } from "@/api/client";
import { symbolsIn } from "@/features/automations/automation-form";
import { percent, share } from "./percent";

type Portfolio = Schemas["PortfolioIn"];
export type Market = Portfolio["market"];
export type Board = NonNullable<Portfolio["boards"]>[number];
export type Kind = NonNullable<Portfolio["kinds"]>[number];
export type Every = NonNullable<Portfolio["every"]>;

export interface RankedForm { factor: string; weight: string }

export interface PortfolioForm {
  market: Market; boards: readonly Board[]; kinds: readonly Kind[]; symbols: string;
  ranking: readonly RankedForm[]; positions: string; every: Every; tolerance: string;
}

export const BOARDS: Record<Market, readonly Board[]> = { KRX: ["KOSPI", "KOSDAQ", "KONEX"], US: [] };
export const KINDS: readonly Kind[] = ["stock", "etf"];
export const PERIODS: readonly Every[] = ["day", "week", "month", "quarter"];
/** As many as the platform ranks by; the button to add one goes at the last. */
export const FACTORS_MAX = 6;

export const PLAIN: PortfolioForm = { market: "KRX", boards: [], kinds: ["stock"], symbols: "", ranking: [{ factor: "roc(252)", weight: "1" }], positions: "20", every: "month", tolerance: "20" };

export function portfolioFormOf(given: Portfolio): PortfolioForm {
  return {
    market: given.market, boards: given.boards ?? [], kinds: given.kinds ?? [], symbols: (given.symbols ?? []).join(", "),
    ranking: given.ranking.map((each) => ({ factor: each.factor, weight: each.weight ?? "1" })),
    positions: String(given.positions), every: given.every ?? "month", tolerance: percent(given.tolerance ?? "0.2") || "0",
  };
}

export function portfolioOf(form: PortfolioForm): Portfolio {
  const positions = form.positions.trim();
  return {
    market: form.market, boards: [...form.boards], kinds: [...form.kinds], symbols: symbolsIn(form.symbols),
    ranking: form.ranking.map((each) => ({ factor: each.factor.trim(), weight: each.weight.trim() })),
    // What is no whole number is sent as it stands: the platform says so beside the field.
    positions: /^\d+$/.test(positions) ? Number(positions) : (positions as never),
    every: form.every, tolerance: share(form.tolerance) ?? "0",
  };
}

/** Of another market, whose boards are others: those chosen before are none of its. */
export function movedTo(market: Market, form: PortfolioForm): PortfolioForm {
  return market === form.market ? form : { ...form, market, boards: [] };
}

/** The form with a place in its ranking changed, or taken away by null. The last one stays: a portfolio ranks by something. */
export function ranked(form: PortfolioForm, place: number, changes: Partial<RankedForm> | null): PortfolioForm {
  if (changes === null) return form.ranking.length > 1 ? { ...form, ranking: form.ranking.filter((_, at) => at !== place) } : form;
  return { ...form, ranking: form.ranking.map((each, at) => (at === place ? { ...each, ...changes } : each)) };
}

/** Takes one of a list out, or puts it in. */
export function toggled<T>(list: readonly T[], one: T): T[] {
  return list.includes(one) ? list.filter((each) => each !== one) : [...list, one];
}

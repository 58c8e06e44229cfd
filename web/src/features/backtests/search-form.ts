/** A search for values as its form holds it, and as the platform is asked for it. */
import type { Schemas } from "@/api/client";
import { PLAIN, type PortfolioForm, portfolioOf } from "@/features/strategies/portfolio-form";
import type { Values } from "./sweep-values";

export type Test = "optimize" | "walk_forward" | "cross_validate";
export type Objective = NonNullable<Schemas["SweepIn"]["objective"]>;
export const TESTS: readonly Test[] = ["optimize", "walk_forward", "cross_validate"];
const OBJECTIVES: readonly Objective[] = ["total_return", "sharpe", "sortino", "calmar", "cagr", "max_drawdown", "win_rate", "profit_factor"];
/** Figures that parts of a curve have. */
const OF_FOLDS: readonly Objective[] = ["sharpe", "total_return"];

export interface SearchForm {
  test: Test; many: boolean; symbol: string; portfolio: PortfolioForm; entry: string; exit: string; values: string;
  objective: Objective; from: string; to: string; cash: string;
  trainBars: string; testBars: string; folds: string; purgeBars: string;
}

export const FRESH: SearchForm = {
  test: "optimize", many: false, symbol: "", portfolio: { ...PLAIN, ranking: [{ factor: "roc({days})", weight: "1" }], positions: "10" },
  entry: "crosses_above(sma({fast}), sma({slow}))", exit: "crosses_below(sma({fast}), sma({slow}))", values: "fast: 5, 10, 15, 20\nslow: 40, 60, 80, 100",
  objective: "sharpe", from: "", to: "", cash: "10000000",
  trainBars: "504", testBars: "126", folds: "5", purgeBars: "20",
};
const OF_MANY = { entry: "close > sma({trend})", exit: "close <= 0", values: "days: 60, 120, 252\ntrend: 60, 120" };
const OF_ONE = { entry: FRESH.entry, exit: FRESH.exit, values: FRESH.values };

/** The form for one stock or for many; a rule that was never touched becomes one that suits. */
export function movedToMany(form: SearchForm, many: boolean): SearchForm {
  const [before, after] = many ? [OF_ONE, OF_MANY] : [OF_MANY, OF_ONE];
  const untouched = form.entry === before.entry && form.exit === before.exit && form.values === before.values;
  return { ...form, many, ...(untouched ? after : {}) };
}

export const objectivesOf = (test: Test): readonly Objective[] => (test === "cross_validate" ? OF_FOLDS : OBJECTIVES);

/** The form for another test; an objective that it does not know becomes its first. */
export function movedToTest(form: SearchForm, test: Test): SearchForm {
  const known = objectivesOf(test);
  return { ...form, test, objective: known.includes(form.objective) ? form.objective : (known[0] ?? "sharpe") };
}

// What is no whole number is sent as it stands: the platform says so beside the field.
const whole = (text: string): number => (/^\d+$/.test(text.trim()) ? Number(text) : (text.trim() as never));

/** What every kind of search is asked with. */
export function groundOf(form: SearchForm, values: Values) {
  return {
    ...(form.many ? { portfolio: portfolioOf(form.portfolio) } : { symbol: form.symbol.trim() }),
    from: form.from || null, to: form.to || null, initial_cash: form.cash.trim(),
    entry: form.entry, exit: form.exit, parameters: values as never,
  };
}

export const windowsOf = (form: SearchForm) => ({ train_bars: whole(form.trainBars), test_bars: whole(form.testBars) });
export const foldsOf = (form: SearchForm) => ({ folds: whole(form.folds), purge_bars: whole(form.purgeBars) });

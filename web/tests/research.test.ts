// @vitest-environment jsdom
import { describe, expect, it } from "vitest";
import { Problem } from "@/api/problem";
import { drawdowns, returns } from "@/features/backtests/curve-math";
import { tightest } from "@/features/backtests/limits";
import { foldsOf, FRESH as FRESH_SEARCH, groundOf, movedToMany, movedToTest, type SearchForm, windowsOf } from "@/features/backtests/search-form";
import { parseValues } from "@/features/backtests/sweep-values";
import { foundIn, PATTERNS } from "@/features/market/patterns";
import { lifeOf } from "@/features/orders/life";
import { byMonth } from "@/features/portfolio/months";
import { documentOf, formOf } from "@/features/strategies/document";
import { columnIn, mistakeIn } from "@/features/strategies/file-mistake";
import { stretchAt } from "@/features/strategies/completion";
import { shifted } from "@/features/strategies/percent";
import { WORDS } from "@/lib/words";

describe("a strategy's form", () => {
  it.each([["0.05", 2, "5"], ["1", 2, "100"], ["0.0025", 2, "0.25"], ["5", -2, "0.05"], ["100", -2, "1"], ["0.25", -2, "0.0025"], ["12.5", -2, "0.125"], ["0", 2, "0"]])("moves the point of %s by %i", (text, places, moved) => {
    expect(shifted(text, places)).toBe(moved);
  });

  it("says what it was given", () => {
    const given = { name: "RSI", description: "", entry: "rsi(14) < 30", exit: "rsi(14) > 70", stop_loss: "0.05", take_profit: null, trailing_stop: null, holding_bars: 20, portion: "0.5", slippage: "0.001", volume_share: null, portfolio: null };
    expect(documentOf(formOf(given))).toEqual(given);
  });
});

describe("a mistake in a strategy file", () => {
  const problem = (code: string, field: string) => new Problem({ type: "", title: "", status: 422, detail: "", code, request_id: null, errors: [{ field, code, message: "there is no indicator rsj" }] });

  it.each(["version: 1.0\nstrategy:\n  indicators: [{id: rsj}]\n", "\n\n  indicators: [{id: rsj}]"])("is marked where it stands: %j", (text) => {
    const mistake = mistakeIn(problem("invalid_strategy_file", "line 3, column 21"));
    expect(mistake).toEqual({ line: 3, column: 21, message: "there is no indicator rsj" });
    const { start, end } = stretchAt(text, columnIn(text, mistake ?? { line: 0, column: 0 }));
    expect(text.slice(start, end)).toBe("rsj");
  });

  it("is nothing else that may go wrong", () => {
    expect(mistakeIn(problem("invalid_rule", "line 3, column 21"))).toBeNull();
    expect(mistakeIn(problem("invalid_strategy_file", "kis_yaml"))).toBeNull();
    expect(mistakeIn(new Error("away"))).toBeNull();
  });
});

describe("values to try", () => {
  it("are read line by line", () => expect(parseValues("fast: 5, 10\n\nslow: 40,60.5")).toEqual({ values: { fast: [5, 10], slow: [40, 60.5] } }));
  it.each([["fast 5"], ["fast: 5, x"], ["fast: 5,,6"], ["1: 5"]])("name the line that cannot be read: %s", (line) => expect(parseValues(`a: 1\n${line}`)).toEqual({ line: 2 }));
});

describe("curves", () => {
  const points = [100, 120, 90, 130].map((value, at) => ({ date: `2024-01-0${at + 1}`, value }));
  it("fall from their highest", () => expect(drawdowns(points).map((each) => each.value)).toEqual([0, 0, -0.25, 0]));
  it("return from day to day", () => expect(returns(points).map((each) => each.session_return.toFixed(3))).toEqual(["0.200", "-0.250", "0.444"]));
  it("compound into months", () => {
    const months = byMonth([{ date: "2024-01-30", session_return: 0.1 }, { date: "2024-01-31", session_return: 0.1 }, { date: "2024-02-01", session_return: -0.5 }]);
    expect(months.get(2024)?.map((each) => each?.toFixed(2) ?? null).slice(0, 3)).toEqual(["0.21", "-0.50", null]);
  });
});

describe("an order's life", () => {
  const order = { status: "filled", order_type: "limit", created_at: "2024-01-01T00:00:00Z", updated_at: "2024-01-01T00:00:05Z", triggered_at: null } as Parameters<typeof lifeOf>[0];
  const words = (changes: object, heard: Parameters<typeof lifeOf>[2] = []): string[] => lifeOf({ ...order, ...changes }, [], heard).map((step) => step.word);

  it.each([
    [{ status: "filled" }, ["placed", "checked", "filled"]],
    [{ status: "denied" }, ["placed", "denied"]],
    [{ status: "held", order_type: "stop" }, ["placed", "checked", "held"]],
    [{ status: "accepted" }, ["placed", "checked", "waiting"]],
    [{ status: "unknown" }, ["placed", "checked", "unknown"]],
    [{ status: "canceled", order_type: "stop" }, ["placed", "checked", "triggered", "canceled"]],
  ])("of %o is told as %o", (changes, told) => expect(words(changes)).toEqual(told));

  it("has what was heard between, once", () => {
    const heard = [{ status: "accepted", at: "2024-01-01T00:00:01Z", filled: "0" }, { status: "unknown", at: "2024-01-01T00:00:02Z", filled: "0" }];
    expect(words({ status: "unknown" }, heard)).toEqual(["placed", "checked", "accepted", "unknown"]);
  });
});

describe("patterns on the chart", () => {
  it("stand at the bars where they end, and say which way they point", () => {
    const series = { symbol: "A", interval: "1d" as const, expr: "", look_back: 2, time: ["2026-03-02", "2026-03-03", "2026-03-04"], values: { value: [null, 100, -100] } };
    expect(foundIn("cdlengulfing", series)).toEqual([
      { pattern: "cdlengulfing", time: "2026-03-03", rising: true },
      { pattern: "cdlengulfing", time: "2026-03-04", rising: false },
    ]);
    expect(foundIn("cdlhammer", undefined)).toEqual([]);
  });

  it("have names in both languages", () => {
    for (const pattern of PATTERNS) expect(`pattern.${pattern}` in WORDS, pattern).toBe(true);
  });
});

describe("a search for values", () => {
  const search = (changes: Partial<SearchForm> = {}): SearchForm => ({ ...FRESH_SEARCH, symbol: " 005930 ", ...changes });

  it("is asked of one stock, or of a portfolio whose ranking has values to try as well", () => {
    expect(groundOf(search(), { fast: [5] })).toEqual({ symbol: "005930", from: null, to: null, initial_cash: "10000000", entry: FRESH_SEARCH.entry, exit: FRESH_SEARCH.exit, parameters: { fast: [5] } });
    const many = groundOf(movedToMany(search({ from: "2015-01-02", to: "2019-12-30" }), true), { days: [60] });
    expect(many).toMatchObject({ from: "2015-01-02", entry: "close > sma({trend})", portfolio: { market: "KRX", ranking: [{ factor: "roc({days})", weight: "1" }], positions: 10 } });
    expect(many).not.toHaveProperty("symbol");
  });

  it("keeps rules that somebody has written when it moves, and gives back those it began with", () => {
    const written = search({ entry: "rsi({days}) < 30" });
    expect(movedToMany(written, true).entry).toBe("rsi({days}) < 30");
    expect(movedToMany(movedToMany(search(), true), false)).toEqual(search());
  });

  it("takes an objective that its test knows", () => {
    expect(movedToTest(search({ objective: "calmar" }), "cross_validate").objective).toBe("sharpe");
    expect(movedToTest(search({ objective: "total_return" }), "cross_validate").objective).toBe("total_return");
    expect(movedToTest(search({ objective: "calmar" }), "walk_forward").objective).toBe("calmar");
  });

  it("sends what is no number as it stands, for the platform to say so beside the field", () => {
    expect(windowsOf(search({ trainBars: " 250 ", testBars: "a year" }))).toEqual({ train_bars: 250, test_bars: "a year" });
    expect(foldsOf(search({ folds: "", purgeBars: "0" }))).toEqual({ folds: "", purge_bars: 0 });
  });
});

describe("an account's limits in a backtest", () => {
  it("are the tightest of the account and of everything one has, without what a backtest does not know", () => {
    const own = { order_value_max: "1000000", daily_trades_max: 5, restricted_symbols: ["005930"], orders_per_second_max: 1, duplicate_seconds: 10 };
    const everywhere = { order_value_max: "900000.5", leverage_max: "1", daily_trades_max: null, restricted_symbols: ["000660", "005930"] };
    expect(tightest([own, everywhere])).toEqual({
      order_quantity_max: null, order_value_max: "900000.5", position_value_max: null, position_weight_max_percent: null, leverage_max: "1", daily_loss_max: null,
      open_value_max: null, daily_trades_max: 5, open_orders_max: null, restricted_symbols: ["000660", "005930"],
    });
  });
});

// @vitest-environment jsdom
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fieldErrors, Problem } from "@/api/problem";
import { BLANK, documentOf, formOf } from "@/features/strategies/document";
import { BOARDS, FACTORS_MAX, KINDS, movedTo, PERIODS, PLAIN, portfolioFormOf, portfolioOf, ranked, toggled } from "@/features/strategies/portfolio-form";
import { WORDS } from "@/lib/words";

const portfolio = {
  market: "KRX" as const, boards: ["KOSPI" as const], kinds: ["stock" as const], symbols: ["005930", "000660"],
  ranking: [{ factor: "roc(252)", weight: "1" }, { factor: "per", weight: "-0.5" }], positions: 20, every: "quarter" as const, tolerance: "0.15",
};
const contract = JSON.parse(readFileSync("../contracts/openapi/public.json", "utf8"));
const terms = contract.components.schemas.PortfolioIn.properties;

describe("a portfolio's form", () => {
  it("says what it was given", () => expect(portfolioOf(portfolioFormOf(portfolio))).toEqual(portfolio));

  it("is part of the strategy's, which loses nothing of it", () => {
    const given = { name: "Momentum", description: "", entry: "per > 0", exit: "close <= 0", stop_loss: null, take_profit: null, trailing_stop: null, holding_bars: null, portion: "0.9", slippage: "0", volume_share: "0.05", portfolio, fee_schedule: "free" as const };
    expect(documentOf(formOf(given))).toEqual(given);
  });

  it("keeps what was written of a portfolio while one looks at a single stock, and sends only what is meant", () => {
    const form = { ...BLANK, many: true, trailing: "10", holding: "5", portfolio: { ...PLAIN, positions: "7" } };
    expect(documentOf(form)).toMatchObject({ trailing_stop: null, holding_bars: null, portfolio: { positions: 7 } });
    const single = { ...form, many: false };
    expect(documentOf(single)).toMatchObject({ trailing_stop: "0.1", holding_bars: 5, portfolio: null });
    expect(documentOf({ ...single, many: true }).portfolio?.positions).toBe(7);
  });

  it("sends what is no number as it stands, for the platform to refuse beside its field", () => {
    expect(portfolioOf({ ...PLAIN, positions: "2.5" }).positions).toBe("2.5");
    expect(portfolioOf({ ...PLAIN, ranking: [{ factor: "roc(5)", weight: "x" }] }).ranking[0]?.weight).toBe("x");
  });

  it("drops the boards of a market that is left", () => {
    const form = portfolioFormOf(portfolio);
    expect(movedTo("US", form).boards).toEqual([]);
    expect(movedTo("KRX", form)).toBe(form);
  });

  it("ranks by something always", () => {
    const two = portfolioFormOf(portfolio);
    const one = ranked(two, 0, null);
    expect(one.ranking).toEqual([{ factor: "per", weight: "-0.5" }]);
    expect(ranked(one, 0, null)).toBe(one);
    expect(ranked(two, 1, { weight: "2" }).ranking.map((each) => each.weight)).toEqual(["1", "2"]);
  });

  it("takes a choice in and out", () => {
    expect(toggled(["stock"], "etf")).toEqual(["stock", "etf"]);
    expect(toggled(["stock", "etf"], "stock")).toEqual(["etf"]);
  });

  it("offers what the platform's contract allows, each with a name", () => {
    expect(terms.ranking.maxItems).toBe(FACTORS_MAX);
    expect(terms.every.enum).toEqual(PERIODS);
    expect(terms.kinds.items.enum).toEqual(KINDS);
    expect(terms.boards.items.enum).toEqual(expect.arrayContaining([...BOARDS.KRX]));
    for (const word of [...PERIODS.map((each) => `many.every.${each}`), ...KINDS.map((each) => `many.kind.${each}`)]) expect(word in WORDS, word).toBe(true);
  });
});

describe("what is wrong with one number of a ranking", () => {
  const wrong = (field: string) => fieldErrors(new Problem({ type: "", title: "", status: 422, detail: "", code: "invalid_rule", request_id: null, errors: [{ field, code: "invalid_rule", message: "no such name" }] }), "en");
  it.each([["portfolio.ranking.1.factor"], ["body.portfolio.ranking.1.factor"]])("stands beside that number: %s", (field) => expect(wrong(field)).toEqual({ "portfolio.ranking.1.factor": "The rule cannot be read. (no such name)" }));
  it("and of a list of stocks beside the list", () => expect(wrong("portfolio.symbols.3")).toEqual({ symbols: "The rule cannot be read. (no such name)" }));
});

import { describe, expect, it } from "vitest";
import { type Indicator, offersAt, stretchAt } from "@/features/strategies/completion";

const number = (value: number) => ({ name: "length", default: value, least: 1, most: 500, is_whole: true });
const INDICATORS: Indicator[] = [
  { name: "rsi", summary: "Relative strength index", inputs: ["close"], parameters: [number(14)], outputs: ["rsi"], look_back: 14 },
  { name: "macd", summary: "Moving average convergence", inputs: ["close"], parameters: [number(12), number(26), number(9)], outputs: ["macd", "signal", "histogram"], look_back: 33 },
  { name: "obv", summary: "On-balance volume", inputs: ["close", "volume"], parameters: [], outputs: ["obv"], look_back: 0 },
];
const names = (text: string, caret = text.length): string[] => offersAt(text, caret, INDICATORS).offers.map((each) => each.name);

describe("what may come next in a rule", () => {
  it("is what begins with the letters that stand before the caret", () => {
    expect(names("close > 1 and rs")[0]).toBe("rsi");
    expect(offersAt("close > 1 and rs", 16, INDICATORS).from).toBe(14);
    expect(names("cl > 5", 2)).toEqual(["close"]);
  });

  it("is an indicator with its usual numbers, and a point where one has to say which part", () => {
    const [rsi] = offersAt("rsi", 3, INDICATORS).offers;
    expect(rsi?.insert).toBe("rsi(14)");
    expect(offersAt("macd", 4, INDICATORS).offers[0]?.insert).toBe("macd(12, 26, 9).");
  });

  it("is a part of the indicator after its point, and nothing where it has but one", () => {
    expect(names("macd(12, 26, 9).")).toEqual(["macd", "signal", "histogram"]);
    expect(names("macd(12, 26, 9).si")).toEqual(["signal"]);
    expect(names("rsi(14).")).toEqual([]);
  });

  it("is found by what it is about, too", () => {
    expect(names("strength")).toEqual(["rsi"]);
  });

  it("is nothing inside a number, or where the word is written out already", () => {
    expect(names("rsi(14")).toEqual([]);
    expect(names("volume")).not.toContain("volume_");
    expect(names("close")).toEqual([]);
  });
});

describe("the stretch an error points at", () => {
  it("is the word at the column, in the text as it was typed", () => {
    const at = (rule: string, column: number): string => {
      const { start, end } = stretchAt(rule, column);
      return rule.slice(start, end);
    };
    expect(at("rsi(14) < 30 and clos > 1", 18)).toBe("clos");
    expect(at("  clos > 1", 1)).toBe("clos");
    expect(at("close >", 7)).toBe(">");
    expect(at("close >", 99)).toBe("");
  });
});

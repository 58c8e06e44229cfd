import { describe, expect, it } from "vitest";
import { compare, minus, plus, shareOf, wholeTimes } from "@/lib/decimal";
import { axis, dateTime, direction, money, number, percent, price, short, time } from "@/lib/format";

describe("figures", () => {
  it("keep every digit of a decimal, however long", () => {
    expect(number("en", "12345678901234567890.12345678")).toBe("12,345,678,901,234,567,890.12345678");
  });

  it.each([
    ["ko", "1234567", "KRW", "1,234,567원"],
    ["en", "1234567", "KRW", "₩1,234,567"],
    ["en", "-1234", "KRW", "-₩1,234"],
    ["ko", "1234.5", "USD", "$1,234.50"],
    ["en", "-0.05", "USD", "-$0.05"],
  ] as const)("write money as people in %s do: %s %s", (language, value, currency, written) => {
    expect(money(language, value, currency)).toBe(written);
  });

  it.each([
    ["123450000", "1억 2,345만"], ["100000000", "1억"], ["9999", "9,999"], ["54321", "5만"], ["-250000000", "-2억 5,000만"], ["3000000000000", "3조"],
  ])("are short in Korean: %s", (value, written) => {
    expect(short("ko", value)).toBe(written);
  });

  it("are short on an axis", () => expect(axis("ko", 10_000_000, 16_000_000)(12_000_000)).toBe("1,200만"));

  it.each([
    ["ko", 10_000_000, 10_005_000, 10_002_000, "10,002,000"],
    ["en", 10_000, 10_000, 10_000, "10,000"],
  ] as const)("are written out on an axis whose lines would look alike: %s", (language, low, high, value, written) => {
    expect(axis(language, low, high)(value)).toBe(written);
  });

  it("are short in English", () => expect(short("en", "123450000")).toBe("123.5M"));
  it("give a won no decimals and a dollar two", () => expect([price("ko", "70100", "KRW"), price("ko", "457.8", "USD")]).toEqual(["70,100", "457.80"]));
  it("sign a move", () => expect([percent("ko", "1.5"), percent("ko", "-0.8"), percent("ko", "0")]).toEqual(["+1.50%", "-0.80%", "0.00%"]));
  it("know which way they went", () => expect(["0.00", "-0.0", "0.01", "-3", null].map(direction)).toEqual([0, 0, 1, -1, 0]));
});

describe("times", () => {
  const midnight = new Date(2026, 0, 2).toISOString();

  it.each(["ko", "en"] as const)("begin a day with hour 00 in %s", (language) => {
    expect(time(language, midnight)).toBe("00:00:00");
    expect(dateTime(language, midnight)).toMatch(/00:00$/);
  });
});

describe("arithmetic on decimal strings", () => {
  it("is exact where floats are not", () => expect(plus("0.1", "0.2")).toBe("0.3"));
  it("subtracts below zero", () => expect(minus("1", "2.5")).toBe("-1.5"));
  it("compares by value", () => expect([compare("10", "9.99"), compare("1.0", "1"), compare("-1", "0")]).toEqual([1, 0, -1]));
  it("divides into whole shares", () => expect([wholeTimes("100000", "30000"), wholeTimes("5", "0"), wholeTimes("99.99", "100")]).toEqual(["3", "0", "0"]));
  it("takes a share of an amount", () => expect(shareOf("99999.50", 25)).toBe("24999"));
});

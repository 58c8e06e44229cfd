// @vitest-environment jsdom
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Schemas } from "@/api/client";
import { fieldErrors, Problem } from "@/api/problem";
import { eachPosition, FRESH, requestOf, symbolsIn } from "@/features/automations/automation-form";
import { remaining } from "@/features/automations/countdown";
import { sideBySide } from "@/features/automations/drift-rows";
import { WORDS } from "@/lib/words";

describe("the form of an automation", () => {
  it("reads stocks however they are set apart, each once", () => {
    expect(symbolsIn(" 005930, 000660\n005930;aapl ")).toEqual(["005930", "000660", "AAPL"]);
    expect(symbolsIn("")).toEqual([]);
  });

  it("shares the capital between its positions, or its stocks where it names none", () => {
    expect(eachPosition({ capital: "1000000", positions: "3", symbols: "A" })).toBe("333333");
    expect(eachPosition({ capital: "1000", positions: "", symbols: "A B" })).toBe("500");
    expect(eachPosition({ capital: "", positions: "", symbols: "" })).toBeNull();
  });

  it("asks for no limit where none is written, and for time to answer only where it asks", () => {
    const asked = requestOf({ ...FRESH, name: " Night ", strategyId: "s", version: "2", symbols: "AAPL", capital: "5000" });
    expect(asked).toMatchObject({ name: "Night", version: 2, symbols: ["AAPL"], order_value_max: null, orders_per_day_max: null, mode: "notify" });
    expect(asked).not.toHaveProperty("answer_seconds");
    expect(requestOf({ ...FRESH, mode: "ask", answerSeconds: "90" })).toMatchObject({ answer_seconds: 90 });
  });

  it("sends what is no number as it stands, for the platform to refuse beside its field", () => {
    expect(requestOf({ ...FRESH, ordersMax: "many" }).orders_per_day_max).toBe("many");
  });

  it("shows what is wrong with one stock of the list beside the list", () => {
    const problem = new Problem({ type: "", title: "", status: 422, detail: "", code: "invalid_request", request_id: null, errors: [{ field: "symbols.1", code: "value_error", message: "not a symbol" }] });
    expect(fieldErrors(problem, "en")).toEqual({ symbols: "This cannot be used: not a symbol." });
  });
});

describe("the time that is left", () => {
  const at = (seconds: number): { seconds: number; text: string } => remaining("2026-03-02T00:00:00Z", Date.parse("2026-03-02T00:00:00Z") - seconds * 1000);

  it("is told as a clock tells it, and never falls below nothing", () => {
    expect([at(249).text, at(5).text, at(3750).text, at(-3).text]).toEqual(["4:09", "0:05", "1:02:30", "0:00"]);
    expect(at(-3).seconds).toBe(0);
  });
});

describe("a drift report", () => {
  const row = (symbol: string, bar: string): Schemas["DriftRow"] => ({
    symbol, bar, backtest_entry: true, backtest_exit: false, entry: true, exit: false, fill: null, order_id: null, signal_id: null, signal_status: null,
  });
  const report = (...rows: Schemas["DriftRow"][]): Pick<Schemas["DriftReport"], "rows"> => ({ rows });

  it("lies beside that of another automation, bar by bar, with a gap where one has not seen the bar", () => {
    const lines = sideBySide([report(row("B", "2"), row("A", "1")), report(row("A", "1")), undefined]);
    expect(lines.map((line) => [line.symbol, line.cells.map((cell) => cell !== null)])).toEqual([
      ["A", [true, true, false]],
      ["B", [true, false, false]],
    ]);
    expect(lines[0]?.backtest).toEqual({ entry: true, exit: false });
  });
});

describe("the words for what automations and channels may say", () => {
  const { components } = JSON.parse(readFileSync("../contracts/openapi/public.json", "utf8")) as {
    components: { schemas: Record<string, { enum?: string[]; properties?: Record<string, { enum?: string[]; propertyNames?: { enum: string[] } }> }> };
  };
  const schema = (name: string) => components.schemas[name] ?? {};
  const known = (group: string, values: string[] | undefined): void => {
    expect(values?.length, group).toBeGreaterThan(1);
    for (const value of values ?? []) expect(`${group}.${value}` in WORDS, `${group}.${value}`).toBe(true);
  };

  it("know each of them", () => {
    known("signal.status", schema("SignalStatus").enum);
    known("signal.kind", schema("SignalShown").properties?.kind?.enum);
    known("auto.mode", schema("AutomationShown").properties?.mode?.enum);
    known("auto.interval", schema("AutomationShown").properties?.interval?.enum);
    known("auto.status", schema("trading__domain__automation__Status").enum);
    known("auto.phase", schema("Phase").enum);
    known("hook.alert", schema("HookAlertShown").properties?.status?.enum);
    known("choices.kind", schema("Choices").properties?.choices?.propertyNames?.enum);
  });
});

/**
 * What may be written next in a rule: fields, indicators with their usual numbers, the parts of an indicator, and the
 * words between conditions. The names come from the platform's own list; only the language's few words stand here.
 */
import type { Schemas } from "@/api/client";

export type Indicator = Schemas["IndicatorView"];

export interface Offer {
  /** What is shown, and what is put in its place. */
  name: string;
  insert: string;
  kind: "indicator" | "field" | "part" | "word";
  about: string;
}

export interface Completion {
  /** Where the word begins that an offer would take the place of; it ends at the caret. */
  from: number;
  offers: readonly Offer[];
}

const OFFERS_MAX = 12;
const WORDS: readonly Offer[] = [
  ["and", "and "], ["or", "or "], ["not", "not "], ["crosses_above", "crosses_above("], ["crosses_below", "crosses_below("],
].map(([name = "", insert = ""]) => ({ name, insert, kind: "word" as const, about: "" }));

export function offersAt(text: string, caret: number, indicators: readonly Indicator[]): Completion {
  const before = text.slice(0, caret);
  const part = /([a-z_][a-z0-9_]*)\([^()]*\)\.([a-z_]*)$/i.exec(before);
  if (part) return partsOf(part[1] ?? "", part[2] ?? "", caret, indicators);
  const typed = /[a-z_][a-z0-9_]*$/i.exec(before)?.[0] ?? "";
  // Inside a number, such as the 14 of rsi(14), nothing is offered.
  if (!typed && /[\d.]$/.test(before)) return { from: caret, offers: [] };
  return { from: caret - typed.length, offers: matching(typed.toLowerCase(), everything(indicators)).slice(0, OFFERS_MAX) };
}

function partsOf(name: string, typed: string, caret: number, indicators: readonly Indicator[]): Completion {
  const outputs = indicators.find((each) => each.name === name.toLowerCase())?.outputs ?? [];
  const offers = outputs.length > 1 ? outputs.map((output) => ({ name: output, insert: output, kind: "part" as const, about: name })) : [];
  return { from: caret - typed.length, offers: matching(typed.toLowerCase(), offers) };
}

function everything(indicators: readonly Indicator[]): Offer[] {
  const fields = [...new Set(indicators.flatMap((each) => each.inputs))].sort();
  return [
    ...fields.map((name) => ({ name, insert: name, kind: "field" as const, about: "" })),
    ...WORDS,
    ...indicators.map((each) => ({ name: each.name, insert: written(each), kind: "indicator" as const, about: each.summary })),
  ];
}

/** `rsi(14)`, or `macd(12, 26, 9).` where one has to say which part. */
function written({ name, parameters, outputs }: Indicator): string {
  return `${name}(${parameters.map((each) => each.default).join(", ")})${outputs.length > 1 ? "." : ""}`;
}

/** Those that begin with what is typed, and then those that hold it; what is written out already needs no offer. */
function matching(typed: string, offers: readonly Offer[]): Offer[] {
  const begins = offers.filter((each) => each.name.startsWith(typed));
  const holds = typed.length > 1 ? offers.filter((each) => !each.name.startsWith(typed) && (each.name.includes(typed) || each.about.toLowerCase().includes(typed))) : [];
  const found = [...begins, ...holds];
  return found.length === 1 && found[0]?.insert === typed ? [] : found;
}

/** The stretch an error points at: from its column (from 1) to the end of the word there; one letter at least. */
export function stretchAt(rule: string, column: number): { start: number; end: number } {
  const indent = rule.length - rule.trimStart().length;
  const start = Math.min(Math.max(column - 1 + indent, 0), rule.length);
  const word = /^[a-z0-9_.]+/i.exec(rule.slice(start))?.[0].length ?? 1;
  return { start, end: Math.min(start + Math.max(word, 1), rule.length) };
}

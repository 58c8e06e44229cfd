/** What the platform said in English, told in the person's language: a sentence is known by its English half. */
import { refused } from "@/words/refused";
import { said } from "@/words/said";
import { number } from "./format";
import type { Language } from "./preferences";
import { sayOr, WORDS } from "./words";

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
/** `{{` and `}}` stand for braces, `{name}` for a gap. */
const patternOf = (english: string): RegExp =>
  new RegExp(`^${english.split(/(\{\{|\}\}|\{\w+\})/).map((part) => (/^\{\w+\}$/.test(part) ? `(?<${part.slice(1, -1)}>.+?)` : escaped(part))).join("")}$`, "s");

let patterns: readonly (readonly [pattern: RegExp, korean: string])[] | null = null;

/** The sentence itself where nobody has translated it; the code before a refusal's sentence becomes our words for it. */
export function retold(language: Language, sentence: string): string {
  const [, code = "", rest = ""] = /^([a-z_]+): (.+)$/s.exec(sentence) ?? [];
  if (`problem.${code}` in WORDS) return `${sayOr(language, `problem.${code}`, "")} (${retold(language, rest)})`;
  if (language === "en") return sentence;
  patterns ??= [...Object.values(said), ...Object.values(refused)].map(([korean, english]) => [patternOf(english), korean]);
  for (const [pattern, korean] of patterns) {
    const gaps = pattern.exec(sentence);
    if (gaps) return korean.replace(/(?<!\{)\{(\w+)\}/g, (_, name: string) => gapOf(language, name, gaps.groups?.[name] ?? ""));
  }
  return sentence;
}

/** A notice is in the person's language but for the reason in it, which is a sentence of the platform's. */
export function retoldNotice(language: Language, body: string): string {
  const [, before = "", why = ""] = /^(사유: )(.+)\.$/s.exec(body) ?? [];
  return why ? `${before}${retold(language, why)}.` : retold(language, body);
}

/** Gaps whose digits are grouped. A symbol has digits as well, and they stay together. */
const AMOUNTS = new Set(["amount", "available", "cost", "equity", "exposure", "last", "limit", "loss", "lower", "most", "price", "quantity", "stop", "there", "upper", "value"]);

/** What stands in a gap may be a sentence again, or a value that has a word of its own, such as an order's type. */
function gapOf(language: Language, name: string, value: string): string {
  if (AMOUNTS.has(name) && /^-?\d+(\.\d+)?$/.test(value)) return number(language, value);
  return sayOr(language, `${name}.${value}`, retold(language, value));
}

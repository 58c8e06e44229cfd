/** Figures and times as people in Korea and elsewhere write them. Decimals stay text: nothing is rounded by a float. */
import type { Language } from "@/lib/preferences";

export type Currency = "KRW" | "USD";

const LOCALE: Record<Language, string> = { ko: "ko-KR", en: "en-US" };
const MAN = 10_000n;
const EOK = 100_000_000n;
const JO = 1_000_000_000_000n;

const formats = new Map<string, Intl.NumberFormat>();

function format(language: Language, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = language + JSON.stringify(options);
  let found = formats.get(key);
  if (!found) formats.set(key, (found = new Intl.NumberFormat(LOCALE[language], options)));
  return found;
}

/** Group the digits of a decimal string exactly, with at most `places` decimals. */
export function number(language: Language, value: string | number, places = 8, least = 0): string {
  const options = { maximumFractionDigits: places, minimumFractionDigits: least };
  return format(language, options).format(value as Intl.StringNumericLiteral);
}

/** An amount of money: whole won, dollars and cents. */
export function money(language: Language, value: string, currency: Currency): string {
  if (currency === "USD") return `${value.startsWith("-") ? "-" : ""}$${number(language, value.replace(/^-/, ""), 2, 2)}`;
  const text = number(language, value, 0);
  return language === "ko" ? `${text}원` : `${value.startsWith("-") ? "-" : ""}₩${text.replace(/^-/, "")}`;
}

/** A price in its market's habit: won have no decimals, dollars have two or more. */
export function price(language: Language, value: string, currency: Currency): string {
  return currency === "KRW" ? number(language, value, 0) : number(language, value, 4, 2);
}

/** A large amount in short: 1억 2,345만 in Korean, 123.5M in English. */
export function short(language: Language, value: string | number): string {
  if (language === "en") return format(language, { notation: "compact", maximumFractionDigits: 1 }).format(Number(value));
  const whole = BigInt(String(value).split(".")[0] || "0");
  const positive = whole < 0n ? -whole : whole;
  const sign = whole < 0n ? "-" : "";
  const group = (amount: bigint): string => amount.toLocaleString("ko-KR");
  if (positive >= JO) return `${sign}${group(positive / JO)}조${rest((positive % JO) / EOK, "억")}`;
  if (positive >= EOK) return `${sign}${group(positive / EOK)}억${rest((positive % EOK) / MAN, "만")}`;
  if (positive >= MAN) return `${sign}${group(positive / MAN)}만`;
  return `${sign}${group(positive)}`;
}

function rest(amount: bigint, unit: string): string {
  return amount === 0n ? "" : ` ${amount.toLocaleString("ko-KR")}${unit}`;
}

/** Lines of an axis between the lowest and the highest amount, both of them counted. */
const LINES = 7;

/** How to label an axis of amounts: in short, unless its lines would then look alike. */
export function axis(language: Language, low: number, high: number): (value: number) => string {
  const inShort = (value: number): string => short(language, Math.round(value));
  const labels = Array.from({ length: LINES }, (_, place) => inShort(low + ((high - low) * place) / (LINES - 1)));
  return new Set(labels).size === LINES ? inShort : (value) => number(language, String(Math.round(value)), 0);
}

/** A share of one as a percentage: `0.0123` is +1.23%, or 1.23% where no move is meant. */
export function rate(language: Language, share: number, places = 2, signed = true): string {
  const options: Intl.NumberFormatOptions = { style: "percent", maximumFractionDigits: places, minimumFractionDigits: places, signDisplay: signed ? "exceptZero" : "auto" };
  return format(language, options).format(share);
}

/** Percent that is a percentage already, such as a quote's `change_percent`. */
export function percent(language: Language, value: string): string {
  return `${number(language, value, 2, 2).replace(/^(?=\d)/, direction(value) > 0 ? "+" : "")}%`;
}

/** 1 where a decimal string is above zero, -1 below, 0 at it. */
export function direction(value: string | number | null | undefined): -1 | 0 | 1 {
  if (value === null || value === undefined) return 0;
  const text = String(value);
  if (!/[1-9]/.test(text)) return 0;
  return text.startsWith("-") ? -1 : 1;
}

export function time(language: Language, at: string): string {
  return new Date(at).toLocaleTimeString(LOCALE[language], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
}

export function dateTime(language: Language, at: string): string {
  return new Date(at).toLocaleString(LOCALE[language], {
    year: "2-digit", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
  });
}

/** A day that has no time of day, such as a trading date: the same day everywhere. */
export function day(language: Language, date: string): string {
  return new Date(`${date.slice(0, 10)}T00:00:00Z`).toLocaleDateString(LOCALE[language], {
    timeZone: "UTC", year: "numeric", month: "2-digit", day: "2-digit",
  });
}

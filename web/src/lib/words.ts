/** Every sentence of the client in Korean and English, and the one way to say it. */
import { admin } from "@/words/admin";
import { audit } from "@/words/audit";
import { auth } from "@/words/auth";
import { automation } from "@/words/automation";
import { fields } from "@/words/fields";
import { market } from "@/words/market";
import { portfolio } from "@/words/portfolio";
import { problems } from "@/words/problems";
import { research } from "@/words/research";
import { settings } from "@/words/settings";
import { shell } from "@/words/shell";
import { trading } from "@/words/trading";
import { type Language, preferences, usePreferences } from "@/lib/preferences";

/** Key → Korean, English. A pair: neither language can lack a sentence that the other has. */
export type Pairs = Record<string, readonly [ko: string, en: string]>;

export const WORDS = {
  ...shell, ...auth, ...market, ...trading, ...portfolio, ...research, ...automation, ...settings, ...admin, ...problems, ...fields, ...audit,
} satisfies Pairs;

export type Word = keyof typeof WORDS;
type Values = Record<string, string | number>;

export function say(language: Language, word: Word, values: Values = {}): string {
  const text = WORDS[word][language === "ko" ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

/** The word for a value the server names, such as `status.filled`; the value itself while nobody has translated it. */
export function sayOr(language: Language, key: string, fallback: string, values: Values = {}): string {
  return key in WORDS ? say(language, key as Word, values) : fallback;
}

export interface Speech {
  t: (word: Word, values?: Values) => string;
  named: (group: string, value: string) => string;
  language: Language;
}

export function speech(language: Language = preferences().language): Speech {
  return {
    language,
    t: (word, values) => say(language, word, values),
    named: (group, value) => sayOr(language, `${group}.${value}`, value),
  };
}

export function useWords(): Speech {
  return speech(usePreferences().language);
}

/** Days of the week by their ISO numbers, Monday 1, in the person's language. */
import type { Language } from "@/lib/preferences";

export const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7] as const;
// The first of January 2024 was a Monday.
export const weekdayName = (language: Language, iso: number): string =>
  new Date(Date.UTC(2024, 0, iso)).toLocaleDateString(language, { weekday: "short", timeZone: "UTC" });

/** Candlestick patterns on the chart: found by the platform, as strategies and screens find them; marked where they end. */
import { useQueries } from "@tanstack/react-query";
import type { SeriesMarker, Time } from "lightweight-charts";
import { api, got, type Schemas } from "@/api/client";
import { useWords, type Word } from "@/lib/words";

/** Those that many people know and few bars show; the rest are there for rules. */
export const PATTERNS = ["cdlengulfing", "cdlhammer", "cdlshootingstar", "cdlmorningstar", "cdleveningstar", "cdl3whitesoldiers", "cdl3blackcrows"] as const;

/** Reads on light and dark, and is nobody's up or down. */
const COLOUR = "#8a7cf0";

export interface Found { pattern: string; time: string; rising: boolean }

/** Above zero the pattern speaks for rising prices, below for falling ones; zero is none. */
export function foundIn(pattern: string, series: Schemas["IndicatorSeries"] | undefined): Found[] {
  const values = series?.values.value ?? [];
  return values.flatMap((value, at) => {
    const time = series?.time[at];
    return value && time ? [{ pattern, time, rising: value > 0 }] : [];
  });
}

/** What is drawn, and how often each was found: the marks alone say nothing to those who do not see them. */
export interface Patterns { marks: SeriesMarker<Time>[]; counts: readonly (readonly [name: string, count: number])[]; pending: boolean }

export function usePatterns(symbol: string, shown: boolean, from: string | null): Patterns {
  const { t } = useWords();
  const { series, pending } = useQueries({
    queries: PATTERNS.map((pattern) => ({
      queryKey: ["indicator", symbol, pattern, from],
      queryFn: () => got(api.GET("/api/v1/market/indicators/{symbol}", { params: { path: { symbol }, query: { expr: `${pattern}()`, from: from?.slice(0, 10) ?? undefined } } })),
      staleTime: 60_000,
      retry: false,
      enabled: shown,
    })),
    combine: (all) => ({ series: all.map((each) => each.data), pending: all.some((each) => each.isPending) }),
  });
  const found = shown ? PATTERNS.map((pattern, at) => foundIn(pattern, series[at])) : [];
  const nameOf = (pattern: string): string => t(`pattern.${pattern}` as Word);
  const marks = found.flat().map(({ pattern, time, rising }) => ({
    time: time as Time,
    position: rising ? ("belowBar" as const) : ("aboveBar" as const),
    shape: "circle" as const,
    size: 0.6,
    color: COLOUR,
    text: nameOf(pattern),
  }));
  return { marks, counts: found.flatMap((each) => (each[0] ? [[nameOf(each[0].pattern), each.length] as const] : [])), pending };
}

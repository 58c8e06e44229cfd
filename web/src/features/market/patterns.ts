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

export function usePatterns(symbol: string, shown: boolean, from: string | null): SeriesMarker<Time>[] {
  const { t } = useWords();
  const answers = useQueries({
    queries: PATTERNS.map((pattern) => ({
      queryKey: ["indicator", symbol, pattern, from],
      queryFn: () => got(api.GET("/api/v1/market/indicators/{symbol}", { params: { path: { symbol }, query: { expr: `${pattern}()`, from: from?.slice(0, 10) ?? undefined } } })),
      staleTime: 60_000,
      retry: false,
      enabled: shown,
    })),
    combine: (all) => all.map((each) => each.data),
  });
  const found = shown ? PATTERNS.flatMap((pattern, at) => foundIn(pattern, answers[at])) : [];
  return found.map(({ pattern, time, rising }) => ({
    time: time as Time,
    position: rising ? ("belowBar" as const) : ("aboveBar" as const),
    shape: "circle" as const,
    size: 0.6,
    color: COLOUR,
    text: t(`pattern.${pattern}` as Word),
  }));
}

/** The indicators offered on the chart, computed by the platform by their TA-Lib names, as strategies and screens see them. */
import { useQueries } from "@tanstack/react-query";
import type { Time } from "lightweight-charts";
import { useMemo } from "react";
import { api, got, type Schemas } from "@/api/client";

export interface Indicator { key: string; label: string; expr: string; pane: number }

/** Averages and bands lie on the prices; those with a scale of their own below them. */
export const INDICATORS: readonly Indicator[] = [
  { key: "sma20", label: "SMA 20", expr: "sma(20)", pane: 0 },
  { key: "sma50", label: "SMA 50", expr: "sma(50)", pane: 0 },
  { key: "sma200", label: "SMA 200", expr: "sma(200)", pane: 0 },
  { key: "ema20", label: "EMA 20", expr: "ema(20)", pane: 0 },
  { key: "bbands", label: "Bollinger", expr: "bbands(20)", pane: 0 },
  { key: "rsi", label: "RSI 14", expr: "rsi(14)", pane: 1 },
  { key: "macd", label: "MACD", expr: "macd()", pane: 1 },
];
/** Tell-apart colours that read on light and dark, and for most colour-blind eyes. */
const COLOURS = ["#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a7cf0", "#b8a000"];

export interface DrawnLine { indicator: Indicator; color: string; points: { time: Time; value: number }[] }

export function useIndicators(symbol: string, chosen: readonly Indicator[], from: string | null): DrawnLine[] {
  const answers = useQueries({
    queries: chosen.map((indicator) => ({
      queryKey: ["indicator", symbol, indicator.expr, from],
      queryFn: () => got(api.GET("/api/v1/market/indicators/{symbol}", { params: { path: { symbol }, query: { expr: indicator.expr, from: from?.slice(0, 10) ?? undefined } } })),
      staleTime: 60_000,
      retry: false,
    })),
    combine: (all) => all.map((each) => each.data),
  });
  return useMemo(() => chosen.flatMap((indicator, at) => linesOf(indicator, answers[at])), [chosen, answers]);
}

function linesOf(indicator: Indicator, series: Schemas["IndicatorSeries"] | undefined): DrawnLine[] {
  const first = INDICATORS.indexOf(indicator);
  return Object.entries(series?.values ?? {}).map(([, values], at) => ({
    indicator,
    color: COLOURS[(first + at * 2) % COLOURS.length] ?? "#888888",
    points: values.flatMap((value, index) => {
      const time = series?.time[index];
      return value === null || time === undefined ? [] : [{ time: time as Time, value }];
    }),
  }));
}

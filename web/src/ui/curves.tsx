/** A quiet line over time: equity, drawdown. The canvas has words beside it for those who cannot see it. */
import { AreaSeries, createChart, type Time } from "lightweight-charts";
import { useEffect, useRef } from "react";
import { usePreferences } from "@/lib/preferences";

export interface Point { date: string; value: number }

interface CurveProps { points: readonly Point[]; label: string; tone: "accent" | "bad"; percent?: boolean; height?: number }

export function Curve({ points, label, tone, percent, height = 240 }: CurveProps) {
  const box = useRef<HTMLDivElement>(null);
  const { theme, colours } = usePreferences();
  useEffect(() => {
    if (!box.current) return;
    const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const line = colour(`--${tone}`);
    const chart = createChart(box.current, {
      autoSize: true,
      layout: { attributionLogo: false, background: { color: "transparent" }, textColor: colour("--quiet"), fontFamily: getComputedStyle(box.current).fontFamily },
      grid: { vertLines: { visible: false }, horzLines: { color: colour("--line") } },
      rightPriceScale: { borderVisible: false },
      timeScale: { borderVisible: false },
      handleScroll: false,
      handleScale: false,
    });
    const series = chart.addSeries(AreaSeries, { lineColor: line, topColor: `${line}40`, bottomColor: `${line}05`, lineWidth: 2, priceLineVisible: false, priceFormat: percent ? { type: "percent" } : { type: "volume" } });
    series.setData(points.map((each) => ({ time: each.date as Time, value: percent ? each.value * 100 : each.value })));
    chart.timeScale().fitContent();
    return () => chart.remove();
  }, [points, tone, percent, theme, colours]);
  return <div ref={box} role="img" aria-label={label} style={{ height }} />;
}

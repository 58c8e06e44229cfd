/** Quiet lines over time: equity, drawdown, several runs. The canvas has words beside it for those who cannot see it. */
import { AreaSeries, createChart, type IChartApi, LineSeries, type Time } from "lightweight-charts";
import { useEffect, useRef } from "react";
import { axis, rate } from "@/lib/format";
import { usePreferences } from "@/lib/preferences";

export interface Point { date: string; value: number }

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A chart without handles, in the colours of the page. */
function quietChart(box: HTMLElement): IChartApi {
  return createChart(box, {
    autoSize: true,
    layout: { attributionLogo: false, background: { color: "transparent" }, textColor: colour("--quiet"), fontFamily: getComputedStyle(box).fontFamily },
    grid: { vertLines: { visible: false }, horzLines: { color: colour("--line") } },
    rightPriceScale: { borderVisible: false },
    timeScale: { borderVisible: false },
    handleScroll: false,
    handleScale: false,
  });
}

interface CurveProps { points: readonly Point[]; label: string; tone: "accent" | "bad"; percent?: boolean; height?: number }

export function Curve({ points, label, tone, percent, height = 240 }: CurveProps) {
  const box = useRef<HTMLDivElement>(null);
  const { theme, colours, language } = usePreferences();
  useEffect(() => {
    if (!box.current) return;
    const line = colour(`--${tone}`);
    const chart = quietChart(box.current);
    const values = points.map((each) => each.value);
    const amount = axis(language, Math.min(...values), Math.max(...values));
    const series = chart.addSeries(AreaSeries, { lineColor: line, topColor: `${line}40`, bottomColor: `${line}05`, lineWidth: 2, priceLineVisible: false, priceFormat: { type: "custom", minMove: percent ? 0.01 : 1, formatter: (value: number) => (percent ? rate(language, value / 100, 1, false) : amount(value)) } });
    series.setData(points.map((each) => ({ time: each.date as Time, value: percent ? each.value * 100 : each.value })));
    chart.timeScale().fitContent();
    return () => chart.remove();
  }, [points, tone, percent, theme, colours, language]);
  return <div ref={box} role="img" aria-label={label} style={{ height }} />;
}

/** The colours of lines beside one another, in order; beyond the last they begin again. */
export const LINE_TONES = ["accent", "live", "good", "warn", "bad", "quiet"] as const;

interface LinesProps { dates: readonly string[]; lines: readonly (readonly number[])[]; label: string; height?: number }

/** Several lines over the same days. */
export function Lines({ dates, lines, label, height = 240 }: LinesProps) {
  const box = useRef<HTMLDivElement>(null);
  const { theme, colours } = usePreferences();
  useEffect(() => {
    if (!box.current) return;
    const chart = quietChart(box.current);
    lines.forEach((line, place) => {
      const series = chart.addSeries(LineSeries, { color: colour(`--${LINE_TONES[place % LINE_TONES.length]}`), lineWidth: 2, priceLineVisible: false, lastValueVisible: false });
      series.setData(line.map((value, at) => ({ time: dates[at] as Time, value })));
    });
    chart.timeScale().fitContent();
    return () => chart.remove();
  }, [dates, lines, theme, colours]);
  return <div ref={box} role="img" aria-label={label} style={{ height }} />;
}

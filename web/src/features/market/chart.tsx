/** Candles, volume, indicators, patterns and one's own trades; the newest candle moves with the quotes. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import {
  CandlestickSeries, createChart, createSeriesMarkers, HistogramSeries, type IChartApi, type ISeriesApi, type ISeriesMarkersPluginApi, LineSeries, type SeriesMarker, type Time,
} from "lightweight-charts";
import { useEffect, useRef, useState } from "react";
import { api, got, type Schemas } from "@/api/client";
import { useAccount } from "@/features/accounts/current";
import { day } from "@/lib/format";
import { usePreferences } from "@/lib/preferences";
import { useWords } from "@/lib/words";
import { useLiveQuote } from "@/live/market";
import { Card, Empty, Loading } from "@/ui/basics";
import { Segments } from "@/ui/form";
import { INDICATORS, type Indicator, useIndicators } from "./indicators";
import { usePatterns } from "./patterns";

type Interval = Schemas["Chart"]["interval"];
type Bar = Schemas["ChartBar"];
const INTERVALS: Interval[] = ["1m", "5m", "1h", "1d", "1w", "1M"];
const YEARS_BACK: Partial<Record<Interval, number>> = { "1d": 3, "1w": 10, "1M": 30 };

const PILL = "rounded-full border border-line px-2.5 py-1 text-xs font-semibold text-quiet aria-pressed:border-accent aria-pressed:text-accent";

const isDaily = (interval: Interval): boolean => ["1d", "1w", "1M"].includes(interval);
/** The chart draws times as they stand on the exchange's own clock where they are days, and in UTC seconds otherwise. */
const timeOf = (bar: Bar): Time => (bar.time.length > 10 ? ((Date.parse(bar.time) / 1000) as Time) : bar.time);

export function Chart({ symbol }: { symbol: string }) {
  const { t, named } = useWords();
  const [interval, setInterval] = useState<Interval>("1d");
  const [chosen, setChosen] = useState<readonly Indicator[]>([]);
  const { data, isPending } = useBars(symbol, interval);
  const [marked, setMarked] = useState(false);
  const patterns = usePatterns(symbol, marked && interval === "1d", data?.items[0]?.time ?? null);
  const lines = useIndicators(symbol, isDaily(interval) && interval === "1d" ? chosen : [], data?.items[0]?.time ?? null);
  const bars = data?.items ?? [];
  return (
    <Card title={t("chart.title")} flush actions={
      <Segments label={t("chart.interval")} value={interval} onChange={setInterval} options={INTERVALS.map((each) => [each, named("chart", each)])} />
    }>
      {interval === "1d" && (
        <div role="group" aria-label={t("chart.indicators")} className="flex flex-wrap gap-1.5 px-4 pt-3">
          {INDICATORS.map((each) => (
            <button key={each.key} type="button" aria-pressed={chosen.includes(each)} onClick={() => setChosen(chosen.includes(each) ? chosen.filter((other) => other !== each) : [...chosen, each])}
              className={PILL}>{each.label}</button>
          ))}
          <button type="button" aria-pressed={marked} onClick={() => setMarked(!marked)} className={PILL}>{t("chart.patterns")}</button>
        </div>
      )}
      {isPending ? <Loading /> : bars.length === 0 ? <Empty>{t("chart.empty")}</Empty> : <Canvas symbol={symbol} interval={interval} bars={bars} lines={lines} patterns={patterns.marks} />}
      {marked && interval === "1d" && !patterns.pending && (
        <p role="status" className="px-4 pb-2 text-xs text-quiet">{patterns.counts.map(([name, count]) => `${name} ${count}`).join(" · ") || t("chart.patterns.none")}</p>
      )}
      <p className="px-4 pb-3 text-xs text-quiet"><a href="https://www.tradingview.com/" target="_blank" rel="noreferrer" className="underline">{t("chart.attribution")}</a></p>
    </Card>
  );
}

function useBars(symbol: string, interval: Interval) {
  return useQuery({
    queryKey: ["chart", symbol, interval],
    queryFn: async () => {
      const { last_day } = await got(api.GET("/api/v1/market/stocks/{symbol}", { params: { path: { symbol } } }));
      const years = YEARS_BACK[interval];
      const from = years ? `${Number(last_day.slice(0, 4)) - years}${last_day.slice(4).replace("-02-29", "-02-28")}` : undefined;
      return got(api.GET("/api/v1/market/charts/{symbol}", { params: { path: { symbol }, query: { interval, from } } }));
    },
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  });
}

function useOwnTrades(symbol: string, bars: readonly Bar[]): SeriesMarker<Time>[] {
  const { current } = useAccount();
  const { named } = useWords();
  const { data } = useQuery({
    queryKey: ["history", current?.id, symbol],
    queryFn: () => got(api.GET("/api/v1/trading/history", { params: { query: { account_id: current?.id, symbol, limit: 100 } } })),
    enabled: current !== null,
  });
  const known = new Set(bars.map((bar) => bar.time.slice(0, 10)));
  return (data?.items ?? [])
    .filter((each) => known.has(each.trade_date))
    .map((each) => ({
      time: each.trade_date as Time,
      position: each.side === "buy" ? ("belowBar" as const) : ("aboveBar" as const),
      shape: each.side === "buy" ? ("arrowUp" as const) : ("arrowDown" as const),
      color: colour(each.side === "buy" ? "--up" : "--down"),
      text: `${named("side", each.side)} ${each.quantity}`,
    }))
    .sort((a, b) => String(a.time).localeCompare(String(b.time)));
}

const colour = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

interface Parts { chart: IChartApi; candles: ISeriesApi<"Candlestick">; volume: ISeriesApi<"Histogram">; markers: ISeriesMarkersPluginApi<Time>; lines: ISeriesApi<"Line">[] }

function build(box: HTMLElement): Parts {
  const chart = createChart(box, {
    autoSize: true,
    layout: { attributionLogo: false, background: { color: "transparent" }, textColor: colour("--quiet"), fontFamily: getComputedStyle(box).fontFamily, panes: { separatorColor: colour("--line") } },
    grid: { vertLines: { visible: false }, horzLines: { color: colour("--line") } },
    rightPriceScale: { borderVisible: false },
    timeScale: { borderVisible: false, timeVisible: true },
  });
  const [up, down] = [colour("--up"), colour("--down")];
  const candles = chart.addSeries(CandlestickSeries, { upColor: up, downColor: down, borderVisible: false, wickUpColor: up, wickDownColor: down });
  const volume = chart.addSeries(HistogramSeries, { priceFormat: { type: "volume" }, priceScaleId: "volume", color: colour("--line"), lastValueVisible: false, priceLineVisible: false });
  chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
  candles.priceScale().applyOptions({ scaleMargins: { top: 0.08, bottom: 0.24 } });
  return { chart, candles, volume, markers: createSeriesMarkers(candles), lines: [] };
}

interface CanvasProps { symbol: string; interval: Interval; bars: readonly Bar[]; lines: ReturnType<typeof useIndicators>; patterns: readonly SeriesMarker<Time>[] }

function Canvas({ symbol, interval, bars, lines, patterns }: CanvasProps) {
  const { t, language, named } = useWords();
  const { theme, colours } = usePreferences();
  const box = useRef<HTMLDivElement>(null);
  const parts = useRef<Parts | null>(null);
  const trades = useOwnTrades(symbol, isDaily(interval) ? bars : []);
  const quote = useLiveQuote(symbol);
  useEffect(() => {
    if (!box.current) return;
    const built = build(box.current);
    parts.current = built;
    return () => {
      parts.current = null;
      built.chart.remove();
    };
  }, [theme, colours]);
  useEffect(() => {
    const { chart, candles, volume } = parts.current ?? {};
    if (!chart || !candles || !volume) return;
    candles.setData(bars.map((bar) => ({ time: timeOf(bar), open: Number(bar.open), high: Number(bar.high), low: Number(bar.low), close: Number(bar.close) })));
    volume.setData(bars.map((bar) => ({ time: timeOf(bar), value: bar.volume })));
    chart.timeScale().setVisibleLogicalRange({ from: Math.max(0, bars.length - 120), to: bars.length + 4 });
  }, [bars, theme, colours]);
  useEffect(() => parts.current?.markers.setMarkers([...trades, ...patterns].sort((a, b) => String(a.time).localeCompare(String(b.time)))));
  useEffect(() => drawLines(parts.current, lines), [lines, theme, colours]);
  useEffect(() => {
    // The quote's day is on the chart already, or follows its last: a replay of an old day moves nothing.
    const last = bars.at(-1)?.time.slice(0, 10) ?? "";
    if (!quote || interval !== "1d" || quote.session !== "regular" || quote.trading_date < last) return;
    parts.current?.candles.update({ time: quote.trading_date, open: Number(quote.open), high: Number(quote.high), low: Number(quote.low), close: Number(quote.price) });
  }, [quote, interval, bars]);
  const summary = t("chart.summary", {
    symbol, interval: named("chart", interval), count: bars.length, from: day(language, bars[0]?.time ?? ""), to: day(language, bars.at(-1)?.time ?? ""), close: bars.at(-1)?.close ?? "",
  });
  return <div ref={box} role="img" aria-label={summary} className="h-80 md:h-[26rem]" />;
}

function drawLines(parts: Parts | null, lines: ReturnType<typeof useIndicators>): void {
  if (!parts) return;
  for (const line of parts.lines) parts.chart.removeSeries(line);
  parts.lines = lines.map(({ indicator, color, points }) => {
    const series = parts.chart.addSeries(LineSeries, { color, lineWidth: 2, lastValueVisible: false, priceLineVisible: false, crosshairMarkerVisible: false }, indicator.pane);
    series.setData(points);
    return series;
  });
}

/** One stock with all there is to see of it, and the ticket to order it. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { api, got } from "@/api/client";
import { stock } from "@/api/queries";
import { dateTime, number, short, time } from "@/lib/format";
import { platformNow } from "@/lib/clock";
import { useWords } from "@/lib/words";
import type { Quote } from "@/live/market";
import { Badge, Button, Card, cx, Empty, Facts, Loading } from "@/ui/basics";
import { FlashingPrice, Move, Price } from "@/ui/figures";
import { Tabs } from "@/ui/tabs";
import { Book } from "./book";
import { Disclosures, Flows, FundamentalFacts } from "./facts";
import { StockSearch } from "./search";
import { Ticket } from "./ticket";
import { useQuote, useWatchlist, Watchlist } from "./watchlist";

const Chart = lazy(() => import("./chart").then((module) => ({ default: module.Chart })));
const STALE_MS = 60_000;

export function Market() {
  const { t } = useWords();
  const { symbol } = useParams({ strict: false });
  const navigate = useNavigate();
  const go = (chosen: string): void => void navigate({ to: "/market/$symbol", params: { symbol: chosen } });
  return (
    <div className="grid gap-4 xl:grid-cols-[16rem_minmax(0,1fr)]">
      <div className="grid content-start gap-4">
        {!symbol && <h1 className="sr-only">{t("nav.market")}</h1>}
        <StockSearch onChoose={go} />
        <div className={cx(symbol && "hidden xl:block")}><Watchlist current={symbol ?? null} /></div>
      </div>
      {symbol ? <OneStock key={symbol} symbol={symbol} /> : <Listed />}
    </div>
  );
}

const LISTED = 12;

/** Where nothing is chosen yet: some of what there is, so that nobody has to know a code to begin. */
function Listed() {
  const { t, language } = useWords();
  const { data } = useQuery({ queryKey: ["search", ""], queryFn: () => got(api.GET("/api/v1/market/stocks", { params: { query: { limit: LISTED } } })), staleTime: 60_000 });
  return (
    <Card title={t("market.choose")} className="self-start">
      {!data ? <Loading /> : data.items.length === 0 ? <Empty>{t("market.listed.none")}</Empty> : (
        <ul className="grid gap-2 sm:grid-cols-2 lg:grid-cols-3">
          {data.items.map((each) => (
            <li key={each.symbol}>
              <Link to="/market/$symbol" params={{ symbol: each.symbol }} className="flex min-h-11 items-center justify-between gap-2 rounded-lg border border-line px-3 hover:border-accent">
                <span className="min-w-0 truncate"><strong>{(language === "en" && each.name_en) || each.name}</strong> <span className="text-sm text-quiet">{each.symbol}</span></span>
                <Badge>{each.board}</Badge>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function OneStock({ symbol }: { symbol: string }) {
  const { t } = useWords();
  const { quote, fresh } = useQuote(symbol);
  // A price pressed in the book goes into the ticket, as often as it is pressed.
  const [picked, setPicked] = useState<{ price: string; times: number } | null>(null);
  return (
    // In the order of a phone: what it costs, the order, then the rest; on a desk the order stands beside both.
    <div className="grid min-w-0 gap-4 lg:grid-cols-[minmax(0,1fr)_20rem] lg:grid-rows-[auto_1fr]">
      <Headline symbol={symbol} quote={quote} fresh={fresh} />
      <div className="grid content-start gap-4 lg:row-span-2">
        <Ticket symbol={symbol} quote={quote} picked={picked} />
        <Book symbol={symbol} quote={quote} onPick={(price) => setPicked((before) => ({ price, times: (before?.times ?? 0) + 1 }))} />
      </div>
      <div className="grid min-w-0 content-start gap-4">
        <Suspense fallback={<Card className="h-96"><Loading /></Card>}><Chart symbol={symbol} /></Suspense>
        <Tabs label={t("facts.title")} tabs={[
          { key: "facts", name: t("facts.title"), body: <FundamentalFacts symbol={symbol} /> },
          { key: "flows", name: t("flows.title"), body: <Flows symbol={symbol} /> },
          { key: "news", name: t("news.title"), body: <Disclosures symbol={symbol} /> },
        ]} />
      </div>
    </div>
  );
}

function Headline({ symbol, quote, fresh }: { symbol: string; quote: Quote | null; fresh: boolean }) {
  const { t, language } = useWords();
  const { data } = useQuery(stock(symbol));
  const { symbols, toggle, busy } = useWatchlist();
  const watched = symbols.includes(symbol);
  const name = (language === "en" && data?.name_en) || data?.name || quote?.name || symbol;
  return (
    <Card>
      <div className="flex flex-wrap items-start justify-between gap-3">
        <div>
          <h1 className="flex flex-wrap items-center gap-2">
            {name} <span className="text-base font-normal text-quiet">{symbol}</span>
            {data && <Badge>{data.board}</Badge>}
            <Button size="small" look="quiet" aria-pressed={watched} busy={busy} onClick={() => toggle(symbol)} aria-label={t(watched ? "market.watchlist.remove" : "market.watchlist.add")}>{watched ? "★" : "☆"}</Button>
          </h1>
          {data?.sector && <p className="text-sm text-quiet">{data.sector}</p>}
        </div>
        {quote && <div className="text-right"><Freshness quote={quote} fresh={fresh} /></div>}
      </div>
      {quote ? (
        <div className={cx("mt-2", !fresh && "opacity-85")}>
          <p className="flex flex-wrap items-baseline gap-3">
            <FlashingPrice value={quote.price} currency={quote.currency} className="text-3xl font-bold tracking-tight" />
            <span className="font-semibold"><Move percent={quote.change_percent} change={quote.change} /></span>
          </p>
          <div className="mt-4"><DayFacts quote={quote} /></div>
        </div>
      ) : <p className="mt-2 text-quiet">{t("market.noQuote")}</p>}
    </Card>
  );
}

/** How old the price is, in words: an old one must not look new. */
function Freshness({ quote, fresh }: { quote: Quote; fresh: boolean }) {
  const { t, language } = useWords();
  const old = platformNow() - Date.parse(quote.timestamp) > STALE_MS;
  const at = old ? dateTime(language, quote.timestamp) : time(language, quote.timestamp);
  if (quote.session === "closed") return <Badge>{t("market.session.closed")} · {at}</Badge>;
  return fresh && !old ? <Badge tone="good">{t("market.live", { at })}</Badge> : <Badge tone="warn">{t("market.stale", { at })}</Badge>;
}

function DayFacts({ quote }: { quote: Quote }) {
  const { t, language } = useWords();
  const figure = (value: string) => <Price value={value} currency={quote.currency} />;
  return (
    <Facts columns={4} items={[
      [t("market.open"), figure(quote.open)],
      [t("market.high"), figure(quote.high)],
      [t("market.low"), figure(quote.low)],
      [t("market.volume"), <span key="volume" className="num" title={number(language, quote.volume)}>{short(language, quote.volume)}</span>],
      [t("market.base"), figure(quote.base_price)],
      ...(quote.upper_limit ? [[t("market.upper"), figure(quote.upper_limit)] as const] : []),
      ...(quote.lower_limit ? [[t("market.lower"), figure(quote.lower_limit)] as const] : []),
    ]} />
  );
}

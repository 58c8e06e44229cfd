/** The stocks one keeps an eye on, with prices as they come. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { memo, useEffect } from "react";
import { api, got } from "@/api/client";
import { quote as quoteQuery, stock, watchlists } from "@/api/queries";
import { usePreferences } from "@/lib/preferences";
import { useWords } from "@/lib/words";
import { type Quote, useLiveQuote, useMarketHealth, watch } from "@/live/market";
import { Card, cx, Empty } from "@/ui/basics";
import { FlashingPrice, Move } from "@/ui/figures";
import { toastProblem } from "@/ui/toasts";
import { WatchlistChoice } from "./watchlist-choice";

const SYMBOLS_MAX = 100;

/** The newest of what the line has said and what was asked for before it could. */
export function useQuote(symbol: string | null): { quote: Quote | null; fresh: boolean } {
  const live = useLiveQuote(symbol);
  const health = useMarketHealth();
  const asked = useQuery({ ...quoteQuery(symbol ?? ""), enabled: symbol !== null && live === null });
  return { quote: live ?? asked.data ?? null, fresh: live !== null && health === "live" };
}

export function useWatchlist() {
  const { t } = useWords();
  const queries = useQueryClient();
  const { watchlistId } = usePreferences();
  const lists = useQuery(watchlists).data?.items ?? [];
  const list = lists.find((each) => each.id === watchlistId) ?? lists[0] ?? null;
  const symbols = list?.symbols ?? [];
  const save = useMutation({
    mutationFn: (next: string[]) =>
      list
        ? got(api.PUT("/api/v1/market/watchlists/{list_id}", { params: { path: { list_id: list.id } }, body: { name: list.name, symbols: next } }))
        : got(api.POST("/api/v1/market/watchlists", { body: { name: t("market.watchlist.default"), symbols: next } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["watchlists"] }),
    onError: toastProblem,
  });
  const toggle = (symbol: string): void => save.mutate(symbols.includes(symbol) ? symbols.filter((each) => each !== symbol) : [...symbols, symbol].slice(-SYMBOLS_MAX));
  return { lists, list, symbols, toggle, busy: save.isPending };
}

export function Watchlist({ current }: { current: string | null }) {
  const { t } = useWords();
  const { lists, list, symbols } = useWatchlist();
  // One message asks for all of them; the rows then find them asked for.
  useEffect(() => watch("quote", symbols), [symbols]);
  return (
    <Card title={t("market.watchlist")} flush actions={<WatchlistChoice lists={lists} list={list} />}>
      {symbols.length === 0 ? <Empty>{t("market.watchlist.empty")}</Empty> : (
        <ul className="max-h-[70dvh] overflow-y-auto" aria-label={t("market.watchlist")}>
          {symbols.map((symbol) => <Row key={symbol} symbol={symbol} current={symbol === current} />)}
        </ul>
      )}
    </Card>
  );
}

const Row = memo(function Row({ symbol, current }: { symbol: string; current: boolean }) {
  const { language, t } = useWords();
  const navigate = useNavigate();
  const { quote, fresh } = useQuote(symbol);
  const { data } = useQuery(stock(symbol));
  const name = (language === "en" && data?.name_en) || quote?.name || data?.name || symbol;
  return (
    <li className="border-b border-line/60 last:border-0">
      <button type="button" aria-current={current || undefined} onClick={() => void navigate({ to: "/market/$symbol", params: { symbol } })}
        className="flex w-full items-center justify-between gap-2 px-4 py-2 text-left hover:bg-raised/60 aria-[current]:bg-raised">
        <span className="min-w-0">
          <span className="block truncate font-semibold">{name}</span>
          <span className="text-xs text-quiet">{symbol}</span>
        </span>
        {quote ? (
          <span className={cx("grid justify-items-end", !fresh && "opacity-85")}>
            <FlashingPrice value={quote.price} currency={quote.currency} className="font-semibold" />
            <span className="text-xs"><Move percent={quote.change_percent} /></span>
          </span>
        ) : <span className="text-xs text-quiet">{t("market.noQuote")}</span>}
      </button>
    </li>
  );
});

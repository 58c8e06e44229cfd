/** What is offered above and wanted below, best prices in the middle; a price pressed is a price to order at. */
import { useWords } from "@/lib/words";
import { number } from "@/lib/format";
import { type Level, type Quote, useLiveBook } from "@/live/market";
import { Card } from "@/ui/basics";
import { Price } from "@/ui/figures";

const LEVELS_MAX = 10;

export function Book({ symbol, quote, onPick }: { symbol: string; quote: Quote | null; onPick: (price: string) => void }) {
  const { t } = useWords();
  const live = useLiveBook(symbol);
  const bids = live?.bids ?? (quote && quote.bid !== "0" ? [{ price: quote.bid, quantity: quote.bid_size }] : []);
  const asks = live?.asks ?? (quote && quote.ask !== "0" ? [{ price: quote.ask, quantity: quote.ask_size }] : []);
  if (!quote || (bids.length === 0 && asks.length === 0)) return <Card title={t("book.title")}><p className="text-sm text-quiet">{t("book.empty")}</p></Card>;
  const most = Math.max(...[...bids, ...asks].map((each) => Number(each.quantity)), 1);
  const row = (side: "ask" | "bid") => (level: Level) => <Row key={`${side}${level.price}`} {...{ level, side, most, onPick }} currency={quote.currency} />;
  return (
    <Card title={t("book.title")} flush>
      <ul aria-label={t("market.ask")}>{asks.slice(0, LEVELS_MAX).reverse().map(row("ask"))}</ul>
      <ul aria-label={t("market.bid")} className="border-t border-line">{bids.slice(0, LEVELS_MAX).map(row("bid"))}</ul>
      <p className="px-4 py-2 text-xs text-quiet">{t("orderbook.pick")}</p>
    </Card>
  );
}

interface RowProps { level: Level; side: "ask" | "bid"; most: number; currency: Quote["currency"]; onPick: (price: string) => void }

function Row({ level, side, most, currency, onPick }: RowProps) {
  const { t, language } = useWords();
  // Asks are what a buyer pays, bids what a seller gets: coloured as the ticket's two sides are not, to keep them apart.
  return (
    <li>
      <button type="button" onClick={() => onPick(level.price)}
        className="relative flex w-full items-center justify-between px-4 py-1.5 text-sm hover:bg-raised">
        <span aria-hidden="true" className={side === "ask" ? "absolute inset-y-0.5 right-0 bg-down/15" : "absolute inset-y-0.5 right-0 bg-up/15"} style={{ width: `${(Number(level.quantity) / most) * 60}%` }} />
        <span className="relative font-semibold"><span className="sr-only">{t(side === "ask" ? "market.ask" : "market.bid")} </span><Price value={level.price} currency={currency} /></span>
        <span className="num relative text-quiet">{number(language, level.quantity)}</span>
      </button>
    </li>
  );
}

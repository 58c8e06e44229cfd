"""The quote: what `realtime:{symbol}` holds and `market:{symbol}` carries, field for field."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from quant.markets.listing import Board, Currency, Kind, Market

Session = Literal["regular", "closed"]


@dataclass(frozen=True, slots=True)
class Quote:
    """A symbol's latest price and its surroundings.

    `timestamp` is when it was published, by the wall clock: staleness is judged by it. `trading_date` is the day being
    traded or replayed: ticks, bands, fees and settlement are those of that day.
    """

    type: Literal["quote"]
    symbol: str
    market: Market
    board: Board
    kind: Kind
    currency: Currency
    name: str
    price: Decimal
    change: Decimal
    change_percent: Decimal
    volume: int
    bid: Decimal
    ask: Decimal
    bid_size: Decimal
    ask_size: Decimal
    base_price: Decimal
    upper_limit: Decimal | None
    lower_limit: Decimal | None
    open: Decimal
    high: Decimal
    low: Decimal
    session: Session
    trading_date: date
    timestamp: str
    source: str


@dataclass(frozen=True, slots=True)
class Trade:
    """What was traded between two quotes of a source that has no single trades: one price, the volume between."""

    type: Literal["trade"]
    symbol: str
    price: Decimal
    quantity: int
    timestamp: str
    source: str


@dataclass(frozen=True, slots=True)
class Level:
    """One price of the order book, and what is wanted or offered there."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Book:
    """The order book as far as the source shows it, the best price first on both sides."""

    type: Literal["orderbook"]
    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    timestamp: str
    source: str


def trade_of(quote: Quote, quantity: int) -> Trade:
    """The trading that led to a quote."""
    return Trade("trade", quote.symbol, quote.price, quantity, quote.timestamp, quote.source)


def book_of(quote: Quote) -> Book:
    """The book of a source that shows the best bid and ask only; a side without a price is empty."""
    bids = (Level(quote.bid, quote.bid_size),) if quote.bid > 0 else ()
    asks = (Level(quote.ask, quote.ask_size),) if quote.ask > 0 else ()
    return Book("orderbook", quote.symbol, bids, asks, quote.timestamp, quote.source)

"""The interface to a broker's market data: what trades now, the book, bars of the past. Asked with a customer's key."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from quant.markets.listing import Market

from broker.adapters.daylist import No


@dataclass(frozen=True, slots=True)
class Level:
    """One price of a book, and how many shares wait there."""

    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class LastPrice:
    """What a symbol traded at last, and its day so far: open, high and low are zero before the first trade.

    `base_price` is what the day's change and its price limits are counted from; `at` is when the newest trade was, of
    brokers whose stream does not say the day's volume with each trade.
    """

    symbol: str
    price: Decimal
    day_volume: Decimal
    base_price: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    at: datetime | None = field(default=None, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Depth:
    """A symbol's book, best prices first; an empty side has no level."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class DailyBar:
    """One session, as it was traded: not adjusted for what a company did later."""

    day: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class MinuteBar:
    """One minute in which a symbol traded; `begins` knows its time zone."""

    begins: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade as a stream tells it, and how many shares traded today with it; None where the broker does not say."""

    symbol: str
    at: datetime
    price: Decimal
    quantity: Decimal
    day_volume: Decimal | None


Heard = Trade | Depth
Hear = Callable[[Heard], None]


class MarketData(Protocol):
    """One broker's market data, as far as its capabilities say that it has any.

    A symbol that the broker does not know is a `No`. Every call may raise NotSent or Unreachable: half a chart is none.
    """

    async def last_price(self, symbol: str) -> LastPrice | No:
        """The newest trade; a flag of `quotes`."""
        ...

    async def depth(self, symbol: str) -> Depth | No:
        """The book; a flag of `books`."""
        ...

    async def daily_bars(self, symbol: str, first: date, last: date) -> Sequence[DailyBar] | No:
        """Sessions from one day to another, both included, oldest first; a flag of `daily_bars`."""
        ...

    async def minute_bars(self, symbol: str) -> Sequence[MinuteBar] | No:
        """The minutes of today so far, oldest first, the last one still growing; a flag of `minute_bars`."""
        ...


class MarketStream(Protocol):
    """One connection to a broker's market; flags of `live_trades` and `live_books`.

    It tells what it hears as it comes. What happened while the line was lost is not told again by anybody.
    """

    begun: asyncio.Event
    """Set by each connection that comes about: whatever happened before it has to be asked for."""

    @property
    def symbols_max(self) -> int:
        """How many symbols one connection can follow."""
        ...

    @property
    def is_open(self) -> bool:
        """Whether it is connected, as far as anybody knows."""
        ...

    async def want(self, symbols: Sequence[str]) -> None:
        """Follow these from now on, and no others; the first of them, when they are more than `symbols_max`."""
        ...

    async def follow(self) -> None:
        """Follow for ever, beginning again with everything that is wanted whenever the line is lost."""
        ...

    async def hang_up(self) -> None:
        """Lose the line, so that `follow` begins again: it is open, and tells nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Feed:
    """One broker's market with one key: what may be asked of it, and its stream for somebody who hears."""

    source: str
    market: Market
    data: MarketData
    listen: Callable[[Hear], MarketStream]

"""Minutes: quotes rolled into bars of one minute, which close when their time is over."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

from quant.markets.listing import Market

MINUTE: Final = timedelta(minutes=1)
GRACE: Final = timedelta(seconds=2)
"""How long a minute waits, after its end, for quotes that are late."""


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute of a symbol. `total` is the day's volume when it was last heard of: the next minute counts from it."""

    type: Literal["bar:1m"]
    symbol: str
    market: Market
    start: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    total: int
    closed: bool
    source: str


@dataclass(frozen=True, slots=True)
class Tick:
    """What a quote says to a minute."""

    symbol: str
    market: Market
    price: Decimal
    total: int
    at: datetime
    source: str


class Roller:
    """The forming minutes of all symbols. Everything it knows is in them, so they can be handed to a successor."""

    def __init__(self, forming: Iterable[Minute] = ()) -> None:
        self._forming = {minute.symbol: minute for minute in forming}

    def take(self, tick: Tick) -> tuple[Minute, Minute | None]:
        """The minute the tick belongs to, and the one it ended, if it is the first of a new one.

        A tick older than its symbol's minute is late: it counts into the minute that is forming. A quote that is only
        repeated traded nothing, and begins no minute.
        """
        before = self._forming.get(tick.symbol)
        start = start_of(tick.at)
        if before is not None and (tick.total, tick.price) == (before.total, before.close):
            return before, None
        if before is None:
            return self._begin(tick, start, tick.total), None
        if not before.closed and start <= before.start:
            forming = self._forming[tick.symbol] = _with(before, tick)
            return forming, None
        # a day that begins anew, and a replay, count from zero again
        base = before.total if tick.total >= before.total else 0
        ended = None if before.closed else replace(before, closed=True)
        return self._begin(tick, start, base), ended

    def close_due(self, moment: datetime) -> list[Minute]:
        """The minutes that have ended by now without a tick of a later one; each is told once."""
        latest = start_of(moment - GRACE)
        due = [minute for minute in self._forming.values() if not minute.closed and minute.start < latest]
        closed = [replace(minute, closed=True) for minute in due]
        self._forming.update((minute.symbol, minute) for minute in closed)
        return closed

    def _begin(self, tick: Tick, start: str, base: int) -> Minute:
        price, volume = tick.price, tick.total - base
        minute = Minute(
            "bar:1m",
            tick.symbol,
            tick.market,
            start,
            price,
            price,
            price,
            price,
            volume,
            tick.total,
            closed=False,
            source=tick.source,
        )
        self._forming[tick.symbol] = minute
        return minute


def start_of(moment: datetime) -> str:
    """The minute of a moment, as text that sorts like time."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0).strftime("%Y-%m-%dT%H:%M:%SZ")


def _with(minute: Minute, tick: Tick) -> Minute:
    return replace(
        minute,
        high=max(minute.high, tick.price),
        low=min(minute.low, tick.price),
        close=tick.price,
        volume=minute.volume + max(tick.total - minute.total, 0),
        total=max(tick.total, minute.total),
        source=tick.source,
    )

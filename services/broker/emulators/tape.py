"""What traded at an emulator's market: every trade of late, and the sessions of the past; pure."""

from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from decimal import Decimal
from itertools import groupby
from typing import Final

TICKS_MAX: Final = 10_000


@dataclass(frozen=True, slots=True)
class Tick:
    """One trade."""

    at: datetime
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Day:
    """One session of the past."""

    on: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    value: Decimal = Decimal(0)
    """What was paid for it all; not kept of days before the emulator's own."""


@dataclass(frozen=True, slots=True)
class Minute:
    """One minute in which something traded."""

    begins: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    value: Decimal


@dataclass
class Tape:
    """The trades of every symbol, the newest kept, by the market's own days; `days` are what came before, in order."""

    zone: tzinfo
    days: dict[str, list[Day]] = field(default_factory=dict)
    _ticks: dict[str, deque[Tick]] = field(default_factory=dict)

    def add(self, symbol: str, tick: Tick) -> None:
        """Write a trade down."""
        self._ticks.setdefault(symbol, deque(maxlen=TICKS_MAX)).append(tick)

    def of(self, symbol: str, day: date) -> list[Tick]:
        """The trades of a day, oldest first."""
        return [tick for tick in self._ticks.get(symbol, ()) if tick.at.astimezone(self.zone).date() == day]

    def volume(self, symbol: str, day: date) -> Decimal:
        """How many shares traded on a day."""
        return sum((tick.quantity for tick in self.of(symbol, day)), Decimal(0))

    def session(self, symbol: str, day: date) -> Day | None:
        """A day so far; None when nothing has traded."""
        return Day(day, *_figures(ticks)) if (ticks := self.of(symbol, day)) else None

    def sessions(self, symbol: str, today: date) -> list[Day]:
        """The sessions of the past and today's so far, oldest first."""
        so_far = self.session(symbol, today)
        return [*self.days.get(symbol, ()), *([] if so_far is None else [so_far])]

    def days_of(self, symbol: str) -> list[date]:
        """The days of the trades that are kept, oldest first."""
        return sorted({tick.at.astimezone(self.zone).date() for tick in self._ticks.get(symbol, ())})

    def minutes(self, symbol: str, day: date) -> list[Minute]:
        """The minutes of a day, oldest first, in the market's own time."""
        grouped = groupby(self.of(symbol, day), self._minute)
        return [Minute(begins, *_figures([*ticks])) for begins, ticks in grouped]

    def _minute(self, tick: Tick) -> datetime:
        return tick.at.astimezone(self.zone).replace(second=0, microsecond=0)


def _figures(ticks: list[Tick]) -> tuple[Decimal, Decimal, Decimal, Decimal, Decimal, Decimal]:
    prices = [tick.price for tick in ticks]
    volume = sum((tick.quantity for tick in ticks), Decimal(0))
    value = sum((tick.price * tick.quantity for tick in ticks), Decimal(0))
    return prices[0], max(prices), min(prices), prices[-1], volume, value

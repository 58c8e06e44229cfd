"""What every source of daily bars offers, and every way in which one can fail.

A provider fetches and reads; it judges nothing. Rows leave it as the texts the source sent, without thousands
separators, and are judged like the rows of an uploaded file (`feeds.bar_rules`, `feeds.bar_findings`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple, Protocol

from quant.markets.listing import Board, Market

from market.domain.instrument import AdjustmentOfBars

Licence = Literal["owner", "non_commercial", "personal", "open"]
"""Who may see what a source delivers: the key's owner only, anybody without charge, one person, or everybody."""


class RawBar(NamedTuple):
    """One day of one symbol as the source wrote it; an empty text is a value the source did not have."""

    symbol: str
    date: str
    open: str
    high: str
    low: str
    close: str
    volume: str


class RawMinute(NamedTuple):
    """One minute of one symbol as the source wrote it, but for its time, which is when it began, with its zone."""

    symbol: str
    begins: datetime
    open: str
    high: str
    low: str
    close: str
    volume: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who says so, in which form, under which licence, and how far back and how often one may ask."""

    source: str
    adjustment: AdjustmentOfBars
    licence: Licence
    markets: frozenset[Market]
    whole_days: bool
    """Whether one call gives a whole board on one day."""
    series: bool
    """Whether one call gives one symbol over many days."""


class Provider(Protocol):
    """A source of daily bars."""

    @property
    def provenance(self) -> Provenance:
        """What this source is."""
        ...

    async def fetch_series(self, symbol: str, market: Market, first: date, last: date) -> Sequence[RawBar]:
        """One symbol between two days, both included, oldest first; empty when it did not trade.

        Raises:
            ProviderError: a subclass says what to do next.
        """
        ...

    async def fetch_day(self, board: Board, day: date) -> Sequence[RawBar]:
        """Every symbol of a board on one day; empty on a day without a session.

        Raises:
            ProviderError: a subclass says what to do next.
        """
        ...


class MinuteProvider(Protocol):
    """A source of minutes of the past."""

    @property
    def source(self) -> str:
        """Who says so; stored with every minute."""
        ...

    @property
    def market(self) -> Market:
        """Whose minutes it has."""
        ...

    async def fetch_minutes(self, symbol: str, day: date) -> Sequence[RawMinute]:
        """The minutes of a symbol on one day at its market, in any sequence; empty when it did not trade.

        Raises:
            ProviderError: a subclass says what to do next.
        """
        ...


class ProviderError(Exception):
    """A source did not give what was asked for."""


class Unreachable(ProviderError):
    """No answer, or one that says the source is broken: worth asking again soon."""


class Unreadable(ProviderError):
    """An answer that is not what the source usually sends: cut off, another shape, a page for people."""


class Limited(ProviderError):
    """The source wants fewer calls; `seconds` is how long it wants to be left alone, when it said so."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Blocked(ProviderError):
    """The source has shut us out until its day is over: every further call makes it worse. `until` is when it ends."""

    def __init__(self, reason: str, until: datetime | None = None) -> None:
        super().__init__(reason)
        self.until = until


class NotAllowed(ProviderError):
    """The key or the log-in is missing or refused: a person has to change a setting."""


class UnknownSymbol(ProviderError):
    """The source does not know this symbol."""


class NotOffered(ProviderError):
    """The source never gives this: not a failure of it."""

"""Everything market announces."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from kit.events import Event
from kit.money import Money

# Most is read from Redis and over HTTP; what nobody has to hear says so.


class BarsImported(Event):
    """Daily bars were stored."""

    TYPE: ClassVar[str] = "market.bars.imported.v1"
    SUBJECT: ClassVar[str] = "import_id"
    MUST_REACH: ClassVar[bool] = False

    import_id: UUID
    source: str
    symbols: int
    rows: int


class SessionChanged(Event):
    """A market's session began or ended, here: by a replay."""

    TYPE: ClassVar[str] = "market.session.changed.v1"
    SUBJECT: ClassVar[str] = "market"
    MUST_REACH: ClassVar[bool] = False

    market: str
    session: Literal["regular", "closed"]
    trading_date: date


class BarClosed(Event):
    """A minute or a day of a symbol has ended, and its bar will not change any more.

    `start` of a day is its date at midnight UTC: the day it was on its exchange, wherever that is.
    """

    TYPE: ClassVar[str] = "market.bar.closed.v1"
    SUBJECT: ClassVar[str] = "symbol"
    MUST_REACH: ClassVar[bool] = False

    symbol: str
    market: str
    interval: Literal["1m", "1d"]
    start: datetime
    open: Money
    high: Money
    low: Money
    close: Money
    volume: int
    source: str


class OwnerErased(Event):
    """Somebody who left is forgotten here."""

    TYPE: ClassVar[str] = "market.owner.erased.v1"
    SUBJECT: ClassVar[str] = "user_id"

    user_id: UUID


class FeedStalled(Event):
    """Nothing was heard of a feed for half a minute, while its market is open."""

    TYPE: ClassVar[str] = "market.feed.stalled.v1"
    SUBJECT: ClassVar[str] = "source"
    MUST_REACH: ClassVar[bool] = False

    market: str
    source: str
    last_heard_at: datetime


class FeedRecovered(Event):
    """A feed that had stalled is heard again."""

    TYPE: ClassVar[str] = "market.feed.recovered.v1"
    SUBJECT: ClassVar[str] = "source"
    MUST_REACH: ClassVar[bool] = False

    market: str
    source: str
    silent_seconds: int


class ScreenMatched(Event):
    """A screen that runs after each trading day found instruments it had not found the time before."""

    TYPE: ClassVar[str] = "market.screen.matched.v1"
    SUBJECT: ClassVar[str] = "screen_id"
    MUST_REACH: ClassVar[bool] = False

    screen_id: UUID
    name: str
    trading_date: date
    matched: int
    new_symbols: list[str]

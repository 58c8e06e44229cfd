"""Everything market announces."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from kit.events import Event

# The services read prices from Redis and over HTTP; nobody has to hear these facts yet.


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

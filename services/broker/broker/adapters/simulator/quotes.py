"""Quotes as the market service publishes them in Redis: the fields an exchange needs, read tolerantly."""

from datetime import date, datetime
from decimal import Decimal
from typing import Final

import structlog
from kit.money import Money
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from quant.markets import sessions
from quant.markets.listing import Board, Kind, Market
from quant.markets.sessions import Venue
from quant.markets.venues import phase_of
from quant.matching import Phase

PHASES: Final[dict[sessions.Phase, Phase]] = {
    "pre_market": "continuous",
    "opening_auction": "opening",
    "continuous": "continuous",
    "closing_auction": "closing",
    "after_auction": "volatility",
    "after_market": "continuous",
    "close_price": "closed",
    "closed": "closed",
    "halted": "halted",
}
"""What the exchange does in a window. Orders at the closing price are not offered: for all others it is closed then."""
log = structlog.get_logger()


class Quote(BaseModel):
    """The best prices of one symbol at one moment. Symbol and timestamp identify it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    symbol: str
    market: Market
    board: Board
    kind: Kind
    price: Money | None = None
    bid: Money | None
    ask: Money | None
    bid_size: Money
    ask_size: Money
    upper_limit: Money | None
    lower_limit: Money | None
    session: str
    trading_date: date
    timestamp: AwareDatetime

    @property
    def is_open(self) -> bool:
        return self.phase != "closed"

    @property
    def phase(self) -> Phase:
        """What the market's own exchange does."""
        return self.phase_at(self.market)

    def phase_at(self, venue: Venue) -> Phase:
        """What a venue's book does. A session nobody has heard of holds it still: nothing trades, and nothing ends."""
        if venue != "NXT" and self.session == "volatility_auction":
            return "volatility"
        window = phase_of(venue, self.session, self.trading_date)
        if window == "after_market" and venue == "KRX":
            return "after"
        return "halted" if window is None else PHASES.get(window, "halted")

    def sizes(self, used_at: datetime | None, bid_left: Decimal, ask_left: Decimal) -> tuple[Decimal, Decimal]:
        """What may still be taken at the bid and at the ask, given what the last used quote has left.

        A quote's sizes are there once. One that is older than the last used has nothing any more.
        """
        if used_at is None or self.timestamp > used_at:
            return self.bid_size, self.ask_size
        if self.timestamp == used_at:
            return bid_left, ask_left
        return Decimal(0), Decimal(0)


def quote_key(symbol: str) -> str:
    """Where the newest quote of a symbol is kept."""
    return f"realtime:{symbol}"


def quote_channel(symbol: str) -> str:
    """Where each new quote of a symbol is published."""
    return f"market:{symbol}"


def read_quote(text: str | bytes | None) -> Quote | None:
    """The quote in a text; None when there is none or it cannot be read, which is logged."""
    if text is None:
        return None
    try:
        return Quote.model_validate_json(text)
    except ValidationError as unreadable:
        log.warning("a quote cannot be read", error=str(unreadable))
        return None

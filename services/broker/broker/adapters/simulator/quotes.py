"""Quotes as the market service publishes them in Redis: the fields an exchange needs, read tolerantly."""

from datetime import date, datetime
from decimal import Decimal
from typing import Final

import structlog
from kit.money import Money
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from quant.markets.listing import Board, Kind, Market
from quant.matching import Phase

# A session nobody here has heard of holds everything still: nothing trades, and nothing ends.
PHASES: Final[dict[str, Phase]] = {
    "regular": "continuous",
    "opening_auction": "opening",
    "closing_auction": "closing",
    "volatility_auction": "volatility",
    "closed": "closed",
}
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
        return PHASES.get(self.session, "halted")

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

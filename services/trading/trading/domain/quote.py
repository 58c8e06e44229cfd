"""The market as the risk review sees it: the latest quote of one instrument."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from quant.markets.bands import Band
from quant.markets.listing import Board, Currency, Kind, Market


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A quote as market publishes it.

    `trading_date` is the day that is traded or replayed: ticks, taxes and settlement go by it. `published_at` is wall
    clock: staleness goes by it.
    """

    symbol: str
    market: Market
    board: Board
    kind: Kind
    currency: Currency
    price: Decimal
    band: Band | None
    is_regular_session: bool
    trading_date: date
    published_at: datetime

    def age(self, now: datetime) -> timedelta:
        """How far the quote is from now, to either side: a quote from the future is as suspect as an old one."""
        return abs(now - self.published_at)

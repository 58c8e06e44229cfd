"""The market as the risk review sees it: the latest quote of one instrument."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from quant.markets.bands import Band
from quant.markets.listing import Board, Currency, Kind, Market
from quant.markets.venues import REGULAR_IS_OVER

REGULAR: Final = "regular"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A quote as market publishes it.

    `trading_date` is the day that is traded or replayed: ticks, taxes and settlement go by it. `published_at` is wall
    clock: staleness goes by it. `session` is the market's phase: "regular", "closed", or one of those in which trading
    waits (auctions, halts).
    """

    symbol: str
    market: Market
    board: Board
    kind: Kind
    currency: Currency
    price: Decimal
    band: Band | None
    session: str
    trading_date: date
    published_at: datetime

    @property
    def is_regular_session(self) -> bool:
        """Whether orders trade as they come."""
        return self.session == REGULAR

    @property
    def is_day_over(self) -> bool:
        """Whether the regular session of this trading date is over; an auction or a halt is not the end."""
        return self.session in REGULAR_IS_OVER

    def age(self, now: datetime) -> timedelta:
        """How far the quote is from now, to either side: a quote from the future is as suspect as an old one."""
        return abs(now - self.published_at)

"""The quote: what `realtime:{symbol}` holds and `market:{symbol}` carries, field for field."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from quant.markets.listing import Board, Currency, Kind, Market

Session = Literal["regular", "closed"]


@dataclass(frozen=True, slots=True)
class Quote:
    """A symbol's latest price and its surroundings.

    `timestamp` is when it was published, by the wall clock: staleness is judged by it. `trading_date` is the day being
    traded or replayed: ticks, bands, fees and settlement are those of that day.
    """

    type: Literal["quote"]
    symbol: str
    market: Market
    board: Board
    kind: Kind
    currency: Currency
    name: str
    price: Decimal
    change: Decimal
    change_percent: Decimal
    volume: int
    bid: Decimal
    ask: Decimal
    bid_size: Decimal
    ask_size: Decimal
    base_price: Decimal
    upper_limit: Decimal | None
    lower_limit: Decimal | None
    open: Decimal
    high: Decimal
    low: Decimal
    session: Session
    trading_date: date
    timestamp: str
    source: str

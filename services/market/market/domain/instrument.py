"""An instrument and one day of it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from quant.markets.listing import Board, Currency, Kind, Market

AdjustmentOfBars = Literal["raw", "adjusted"]


@dataclass(frozen=True, slots=True)
class Instrument:
    """Something that is traded: the code is opaque, and unique over both markets.

    `adjustment` tells of its stored bars: raw as traded, or adjusted already by whoever delivered them.
    """

    symbol: str
    market: Market
    board: Board
    kind: Kind
    currency: Currency
    name: str
    first_day: date
    last_day: date
    adjustment: AdjustmentOfBars
    name_en: str | None = None
    sector: str | None = None
    isin: str | None = None
    listed_on: date | None = None
    delisted_on: date | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """One day's prices. On a halted day there is only a close (the last one) and no open, high or low."""

    day: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    halted: bool

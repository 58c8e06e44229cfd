"""Daily price limits of the Korean boards, by the exchange's own formula (global.krx.co.kr, GLB0602010201T5)."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final

from quant.markets.listing import Board, Kind, market_of
from quant.markets.ticks import ceil_to_tick, floor_to_tick, tick_size

# The narrower limits before 1998-12 (12, 8 and 6 %) are older than any price we hold and are not modelled.
LIMIT_RATES: Final = ((date(2015, 6, 15), Decimal("0.30")), (date.min, Decimal("0.15")))


@dataclass(frozen=True, slots=True)
class Band:
    """The lowest and highest price an order may carry on one day; both lie on the grid."""

    lower: Decimal
    upper: Decimal

    def contains(self, price: Decimal) -> bool:
        """Whether an order at this price is inside the band; the limits themselves are."""
        return self.lower <= price <= self.upper


def price_band(base: Decimal, board: Board, on: date, kind: Kind = "stock") -> Band | None:
    """The band around the base price (the previous regular close unless adjusted); None for the US, which has none.

    width = floor(base x rate) on the grid of `base`; upper = floor(base + width) on the grid it lands on;
    lower = base - width. First days of listing (60-400 %) and leveraged funds have other limits and are not covered.
    """
    if market_of(board) == "US":
        return None
    tick = tick_size(base, board, kind, on)
    width = base * _limit_rate(on) // tick * tick
    return Band(
        lower=ceil_to_tick(base - width, board, kind, on),
        upper=floor_to_tick(base + width, board, kind, on),
    )


@lru_cache(maxsize=16_384)
def _limit_rate(on: date) -> Decimal:
    return next(rate for since, rate in LIMIT_RATES if on >= since)

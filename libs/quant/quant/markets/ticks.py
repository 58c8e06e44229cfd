"""Price grids: the tick of a price by board, kind of instrument and date (KRX reform of 2023-01-25, SEC Rule 612)."""

from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Final

from quant.markets.listing import Board, Kind, market_of

Steps = tuple[tuple[Decimal | None, Decimal], ...]


def _steps(*pairs: tuple[str | None, str]) -> Steps:
    """(price below which, tick) pairs in rising order; the last one has no upper end."""
    return tuple((Decimal(below) if below else None, Decimal(tick)) for below, tick in pairs)


STOCK_REFORM: Final = date(2023, 1, 25)
# Announced 2023-10-05 for December 2023; the papers disagree on the day (8th, 11th or 18th).
ETF_REFORM: Final = date(2023, 12, 11)

_STOCK: Final = _steps(
    ("2000", "1"),
    ("5000", "5"),
    ("20000", "10"),
    ("50000", "50"),
    ("200000", "100"),
    ("500000", "500"),
    (None, "1000"),
)
_KOSPI_BEFORE: Final = _steps(
    ("1000", "1"),
    ("5000", "5"),
    ("10000", "10"),
    ("50000", "50"),
    ("100000", "100"),
    ("500000", "500"),
    (None, "1000"),
)
_KOSDAQ_BEFORE: Final = _steps(("1000", "1"), ("5000", "5"), ("10000", "10"), ("50000", "50"), (None, "100"))
_ETF: Final = _steps(("2000", "1"), (None, "5"))
_ETF_BEFORE: Final = _steps((None, "5"))
_US: Final = _steps(("1", "0.0001"), (None, "0.01"))


def tick_size(price: Decimal, board: Board, kind: Kind, on: date) -> Decimal:
    """The tick that applies at `price` on day `on`; ValueError unless the price is finite and positive.

    Orders must sit on this grid. Trade prints need not: midpoint trades and adjusted history lie between its lines.
    """
    if not price.is_finite() or price <= 0:
        raise ValueError(f"a price must be a positive number, not {price}")
    for below, tick in _table(board, kind, on):
        if below is None or price < below:
            return tick
    raise AssertionError("every tick table ends without an upper bound")


def is_on_grid(price: Decimal, board: Board, kind: Kind, on: date) -> bool:
    """Whether an order may carry this price."""
    return price % tick_size(price, board, kind, on) == 0


def floor_to_tick(price: Decimal, board: Board, kind: Kind, on: date) -> Decimal:
    """The highest grid price not above `price` (zero when it lies below the first tick)."""
    return _to_grid(price, tick_size(price, board, kind, on), ROUND_FLOOR)


def ceil_to_tick(price: Decimal, board: Board, kind: Kind, on: date) -> Decimal:
    """The lowest grid price not below `price`."""
    return _to_grid(price, tick_size(price, board, kind, on), ROUND_CEILING)


def round_to_tick(price: Decimal, board: Board, kind: Kind, on: date) -> Decimal:
    """The nearest grid price, halves upwards."""
    return _to_grid(price, tick_size(price, board, kind, on), ROUND_HALF_UP)


def _to_grid(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    # Each table's limits are multiples of the ticks on both sides, so rounding never leaves the grid at a limit.
    return (price / tick).to_integral_value(rounding=rounding) * tick


def tick_tables(board: Board, kind: Kind) -> tuple[tuple[date, Steps], ...]:
    """(first day, steps) pairs, oldest first, for whole histories; a step is (price below which it holds, tick)."""
    if market_of(board) == "US":
        return ((date.min, _US),)
    if kind == "etf":
        return ((date.min, _ETF_BEFORE), (ETF_REFORM, _ETF))
    return ((date.min, _KOSPI_BEFORE if board == "KOSPI" else _KOSDAQ_BEFORE), (STOCK_REFORM, _STOCK))


@lru_cache(maxsize=16)
def _tables(board: Board, kind: Kind) -> tuple[tuple[date, Steps], ...]:
    return tick_tables(board, kind)[::-1]


@lru_cache(maxsize=16_384)
def _table(board: Board, kind: Kind, on: date) -> Steps:
    return next(steps for since, steps in _tables(board, kind) if on >= since)

"""Dated costs as rates per bar, and the grid that stops lie on, for loops that know no Decimal."""

from dataclasses import dataclass, field

import numpy as np

from quant.backtest.core import Ticks, no_ticks
from quant.bars import Bars, Series
from quant.fees import commission_rate, sale_rate_changes
from quant.markets.listing import Board, Kind, market_of
from quant.markets.ticks import tick_tables


@dataclass(frozen=True, slots=True, eq=False)
class CostRates:
    """Shares of the traded value, one per bar: `buy` and `sell` in money, `slippage` as a worse price on both sides.

    `ticks` is the grid that stops and targets are rounded to, down and up: an order must carry a price of the grid.
    """

    buy: Series
    sell: Series
    slippage: float = 0.0
    ticks: Ticks = field(default_factory=no_ticks)

    @classmethod
    def free(cls, bars: Bars) -> "CostRates":
        """No costs at all, and no grid."""
        return cls(np.zeros(len(bars)), np.zeros(len(bars)))


def cost_rates(
    bars: Bars, board: Board, kind: Kind = "stock", schedule: str = "default", slippage: float = 0.0
) -> CostRates:
    """The commission and sale tax of each bar's date, as `quant.fees` has them before rounding to won or cents."""
    if not 0 <= slippage < 1:
        raise ValueError(f"slippage is a fraction from 0 to less than 1, not {slippage}")
    commission = float(commission_rate(market_of(board), schedule))
    changes = sale_rate_changes(board, kind)
    starts = np.array([since for since, _ in changes], dtype="datetime64[D]")
    rates = np.array([float(rate) for _, rate in changes])
    taxes = rates[np.searchsorted(starts, bars.dates, side="right") - 1]
    ticks = tick_columns(bars, board, kind)
    return CostRates(np.full(len(bars), commission), commission + taxes, slippage, ticks)


def tick_columns(bars: Bars, board: Board, kind: Kind) -> Ticks:
    """The dated tick tables of a board as the compiled loop reads them; shorter ones repeat their last step."""
    tables = tick_tables(board, kind)
    width = max(len(steps) for _, steps in tables)
    below, sizes = np.full((len(tables), width), np.inf), np.zeros((len(tables), width))
    for row, (_, steps) in enumerate(tables):
        for column in range(width):
            limit, size = steps[min(column, len(steps) - 1)]
            below[row, column] = np.inf if limit is None else float(limit)
            sizes[row, column] = float(size)
    starts = np.array([since for since, _ in tables], dtype="datetime64[D]")
    rows = np.searchsorted(starts, bars.dates, side="right") - 1
    return rows.astype(np.int64), below, sizes

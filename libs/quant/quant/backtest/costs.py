"""Dated costs as rates per bar, and the grid that stops lie on, for loops that know no Decimal."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

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
    ticks = tick_columns(bars, board, kind)
    taxes = sale_taxes(bars.dates, board, kind)
    return CostRates(np.full(len(bars), commission), commission + taxes, slippage, ticks)


def sale_taxes(dates: NDArray[np.datetime64], board: Board, kind: Kind) -> Series:
    """The share of a sale's value that tax and regulators take, on each of some days."""
    changes = sale_rate_changes(board, kind)
    starts = np.array([since for since, _ in changes], dtype="datetime64[D]")
    rates = np.array([float(rate) for _, rate in changes])
    return np.asarray(rates[np.searchsorted(starts, dates, side="right") - 1], dtype=np.float64)


def tick_columns(bars: Bars, board: Board, kind: Kind) -> Ticks:
    """The dated tick tables of a board as the compiled loop reads them; shorter ones repeat their last step."""
    return tick_lines(bars.dates, [(board, kind)], np.zeros(len(bars), dtype=np.int64))


def tick_lines(dates: NDArray[np.datetime64], listed: Sequence[tuple[Board, Kind]], which: NDArray[np.int64]) -> Ticks:
    """The same for rows of several boards: `which` says for each row, whose day is in `dates`, where it is listed."""
    tables = [tick_tables(board, kind) for board, kind in listed]
    lines = [steps for table in tables for _, steps in table]
    width = max(len(steps) for steps in lines)
    below, sizes = np.full((len(lines), width), np.inf), np.zeros((len(lines), width))
    for row, steps in enumerate(lines):
        for column in range(width):
            limit, size = steps[min(column, len(steps) - 1)]
            below[row, column] = np.inf if limit is None else float(limit)
            sizes[row, column] = float(size)
    rows, first = np.zeros(len(dates), dtype=np.int64), 0
    for number, table in enumerate(tables):
        mine = which == number
        starts = np.array([since for since, _ in table], dtype="datetime64[D]")
        rows[mine] = first + np.searchsorted(starts, dates[mine], side="right") - 1
        first += len(table)
    return rows, below, sizes

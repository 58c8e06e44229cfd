"""Trials as a table of numbers: what chunks are stored as, what is ranked, and what is written to files.

One row for each trial: its place in the order of the grid, then its figures by FIGURES; NaN for what is undefined.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from quant.bars import Mask, Series

from backtest.domain.grid import Grid
from backtest.domain.outcome import Metrics, Trial
from backtest.domain.run import Objective, Task
from backtest.domain.search import Search, combination_at, place_of

FIGURES: Final = (
    "equity_final",
    "trades",
    "total_return",
    "cagr",
    "cagr_by_sessions",
    "volatility",
    "sharpe",
    "sortino",
    "max_drawdown",
    "calmar",
    "win_rate",
    "profit_factor",
    "expectancy",
)
COLUMNS: Final = 1 + len(FIGURES)
ROW_BYTES: Final = 8 * COLUMNS


def table_of(grid: Grid, trials: Sequence[Trial]) -> Series:
    """The rows of some trials."""
    rows = [[place_of(grid, trial.parameters), *(_number(trial.metrics[name]) for name in FIGURES)] for trial in trials]
    return np.array(rows, dtype=np.float64).reshape(len(rows), COLUMNS)


def packed(table: Series) -> bytes:
    """A table as bytes, row by row."""
    return table.astype("<f8").tobytes()


def unpacked(body: bytes) -> Series:
    """The table that was packed."""
    return np.frombuffer(body, dtype="<f8").reshape(-1, COLUMNS)


def trial_of(grid: Grid, row: Series) -> Trial:
    """The trial of one row."""
    return Trial(combination_at(grid, int(row[0])), metrics_of(row))


def metrics_of(row: Series) -> Metrics:
    """The figures of one row by name."""
    return {name: None if np.isnan(value) else float(value) for name, value in zip(FIGURES, row[1:], strict=True)}


def column(table: Series, figure: str) -> Series:
    """One figure of all trials."""
    return np.asarray(table[:, 1 + FIGURES.index(figure)], dtype=np.float64)


def ranked(table: Series, search: Search, objective: Objective) -> Series:
    """The rows by falling objective: first those that fulfil what was asked, then the others, undefined ones last.

    Of equals the one that comes first in the grid is first.
    """
    figure = column(table, objective)
    order = np.lexsort((table[:, 0], -np.nan_to_num(figure, nan=0.0), np.isnan(figure), ~fulfilling(table, search)))
    return table[order]


def fulfilling(table: Series, search: Search) -> Mask:
    """Which rows keep the search's constraints."""
    good = column(table, "trades") >= search.trades_min
    if search.drawdown_max is not None:
        good &= np.nan_to_num(column(table, "max_drawdown"), nan=0.0) >= -float(search.drawdown_max)
    return np.asarray(good, dtype=np.bool_)


def columns_of(grid: Grid, table: Series) -> dict[str, NDArray[np.int64] | Series]:
    """The table by column: parameters under their own names, whole numbers where all values are, then the figures."""
    places = table[:, 0].astype(np.int64)
    found: dict[str, NDArray[np.int64] | Series] = {}
    for name in reversed(list(grid)):
        places, index = np.divmod(places, len(grid[name]))
        found[name] = np.array(grid[name])[index]
    return {**{name: found[name] for name in grid}, **{name: column(table, name) for name in FIGURES}}


def file_row_bytes(task: Task) -> int:
    """What one trial takes in a file at most: a number for each parameter and figure."""
    return 8 * (len(task.grid or ()) + len(FIGURES))


def _number(figure: float | None) -> float:
    return float("nan") if figure is None else figure

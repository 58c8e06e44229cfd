"""All trials of a sweep as one Parquet file, the best first, and what is read out of it."""

from collections.abc import Sequence
from io import BytesIO

import polars as pl
from quant.bars import Series

from backtest.domain.grid import Grid
from backtest.domain.table import columns_of

CELLS_MAX = 40_000


def trials_file(grid: Grid, table: Series) -> bytes:
    """The file: parameters under their own names, then the figures, null for what is undefined."""
    body = BytesIO()
    pl.DataFrame(columns_of(grid, table), nan_to_null=True).write_parquet(body)
    return body.getvalue()


def heat_map(
    body: bytes, x: tuple[str, Sequence[float]], y: tuple[str, Sequence[float]], figure: str
) -> list[list[float | None]]:
    """The best of a figure for each value of `y` (rows) and of `x` (columns), whatever the other parameters."""
    trials = pl.read_parquet(BytesIO(body), columns=[x[0], y[0], figure])
    best = trials.group_by(x[0], y[0]).agg(pl.col(figure).max())
    known = {(across, down): value for across, down, value in best.iter_rows()}
    return [[known.get((across, down)) for across in x[1]] for down in y[1]]

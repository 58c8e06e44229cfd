"""What a run will need, reckoned before it starts, and the nearest one that fits when it needs too much."""

from typing import Final

from quant.backtest import FOLD_CELLS_MAX

from backtest.domain.grid import combinations_in
from backtest.domain.prices import Prices
from backtest.domain.run import Refusal, Task
from backtest.domain.table import ROW_BYTES

MEMORY_MAX: Final = 512 << 20
"""What a computer gives one run."""
CELLS_MAX: Final = 2_000_000_000
"""Bars times trials of one run: about half an hour of one computer."""
WALK_CELLS_MAX: Final = 50_000_000
"""The same for what is one piece of work: about a minute."""
_INDICATORS: Final = 512
_COLUMNS: Final = 24
"""Columns of a bar: prices, signals, equity, the table of trades, ticks."""


def memory_of(task: Task, bars: int) -> int:
    """Bytes that computing a chunk, or gathering all of them, takes at most."""
    chunk = 8 * bars * (_COLUMNS + (_INDICATORS if task.grid is not None else 8))
    gathering = 6 * ROW_BYTES * task.total
    return max(chunk, gathering)


def beyond_budget(task: Task, prices: Prices) -> Refusal | None:
    """Why a run is not begun: what it needs, what there is, and what would fit; None when it fits."""
    bars = len(prices.bars)
    if (needed := memory_of(task, bars)) > MEMORY_MAX:
        said = f"This run needs about {needed >> 20:,} MiB of memory and may have {MEMORY_MAX >> 20:,}"
        return Refusal("too_large", f"{said}; ask for {bars * MEMORY_MAX // needed:,} bars or fewer.")
    return beyond_cells(task, bars)


def beyond_cells(task: Task, bars: int) -> Refusal | None:
    """Why so many combinations are not tried on so many bars, and how many would be; None for those that are."""
    if task.grid is None:
        return None
    trials, most = task.total, CELLS_MAX
    if task.kind != "optimize":
        trials, most = combinations_in(task.grid), FOLD_CELLS_MAX if task.kind == "cross_validate" else WALK_CELLS_MAX
    if trials * bars > most:
        said = f"{trials:,} combinations on {bars:,} bars are more than one run may compute"
        return Refusal("too_many_trials", f"{said}; ask for {most // bars:,} combinations or fewer on these bars.")
    return None

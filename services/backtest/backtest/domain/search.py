"""How a grid is searched: all of it, a draw from it, or a study that learns; and how the work is cut into chunks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Final, Literal

from backtest.domain.grid import Grid, combinations_in
from backtest.domain.strategy import Mistake

Method = Literal["grid", "random", "tpe"]

TRIALS_MAX: Final = 100_000
COMBINATIONS_MAX: Final = 10**15
"""A place in the order of a grid is kept as a number that is exact up to here."""
STUDY_TRIALS_MAX: Final = 1_000
"""A study that learns computes trial after trial: it cannot be spread, and its cost grows with its square."""
CHUNK_TRIALS_MAX: Final = 500
CHUNK_CELLS: Final = 2_000_000
"""Bars times trials of a chunk: well under a second of work, the pace of progress and of sharing between people."""
UNIVERSE_CHUNK_CELLS: Final = 20_000_000
"""The same of a universe, which takes as long to be read as a few trials on it: seconds of work."""
STUDY_CHUNK_TRIALS: Final = 25


@dataclass(frozen=True, slots=True)
class Walk:
    """Choose on so many bars, trade on the next so many, and go on from there."""

    train: int
    test: int


@dataclass(frozen=True, slots=True)
class Folds:
    """Cut the days into so many parts; choose on all but one, look at that one, `purge` bars beside it unused."""

    count: int
    purge: int


@dataclass(frozen=True, slots=True)
class Search:
    """What is tried, and what it must fulfil.

    Attributes:
        trials: how many combinations are drawn (random, tpe); None for all of a grid.
        seed: equal seeds draw and learn alike.
        trades_min: a trial with fewer closed trades ranks behind every one that has them.
        drawdown_max: the same for a deeper drawdown, 0.2 = 20 %.
        walk, folds: how the choice is tested on days it was not made on; at most one of them.
    """

    method: Method = "grid"
    trials: int | None = None
    seed: int = 0
    trades_min: int = 0
    drawdown_max: Decimal | None = None
    walk: Walk | None = None
    folds: Folds | None = None


def trials_in(grid: Grid, search: Search) -> int:
    """How many trials a search of a grid takes; a walk and folds are one piece of work."""
    if search.walk is not None or search.folds is not None:
        return 1
    return combinations_in(grid) if search.trials is None else search.trials


def mistakes_in_search(grid: Grid, search: Search) -> list[Mistake]:
    """What keeps a grid from being searched like this, each with the nearest thing that can be."""
    total = combinations_in(grid)
    if total > COMBINATIONS_MAX:
        return [Mistake("parameters", f"{total:,} combinations are too many even to draw from; list fewer values")]
    if search.method == "grid":
        if search.trials is not None:
            return [Mistake("trials", "a grid tries everything: leave this out, or ask for the method random or tpe")]
        if total > TRIALS_MAX:
            said = f"a sweep has at most {TRIALS_MAX:,} combinations, this one has {total:,}"
            nearest = f"; use larger steps, or the method random with {TRIALS_MAX:,} trials"
            return [Mistake("parameters", said + nearest)]
        return []
    most = min(TRIALS_MAX if search.method == "random" else STUDY_TRIALS_MAX, total)
    if search.trials is None or not 1 <= search.trials <= most:
        said = f"the method {search.method} tries 1 to {most:,} of these {total:,} combinations; ask for {most:,}"
        return [Mistake("trials", said)]
    return []


def chunks_of(grid: Grid, search: Search, bars: int, cells: int = CHUNK_CELLS) -> Iterator[tuple[int, int]]:
    """(first trial, number of trials) of each chunk, in order; so many bars times trials in each, if need be."""
    total = trials_in(grid, search)
    size = STUDY_CHUNK_TRIALS if search.method == "tpe" else max(1, min(CHUNK_TRIALS_MAX, cells // bars))
    for first in range(0, total, size):
        yield first, min(size, total - first)


def combinations_of(grid: Grid, search: Search, first: int, size: int) -> list[dict[str, float]]:
    """The combinations of one chunk of a grid or of a draw from it."""
    places = range(combinations_in(grid)) if search.trials is None else _drawn(combinations_in(grid), search)
    return [combination_at(grid, place) for place in places[first : first + size]]


def combination_at(grid: Grid, place: int) -> dict[str, float]:
    """The combination at a place of the grid's order, in which the last name varies fastest."""
    values: dict[str, float] = {}
    rest = place
    for name in reversed(list(grid)):
        rest, index = divmod(rest, len(grid[name]))
        values[name] = grid[name][index]
    return {name: values[name] for name in grid}


def place_of(grid: Grid, parameters: Mapping[str, float]) -> int:
    """Where a combination stands in the grid's order."""
    place = 0
    for name, values in grid.items():
        place = place * len(values) + list(values).index(parameters[name])
    return place


def _drawn(total: int, search: Search) -> Sequence[int]:
    return _draw(total, search.trials or 0, search.seed)


@lru_cache(maxsize=4)
def _draw(total: int, count: int, seed: int) -> Sequence[int]:
    return sorted(Random(seed).sample(range(total), count))  # noqa: S311 - a draw that must repeat

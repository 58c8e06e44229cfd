"""Purged cross-validation: what was best on all days but a part, and what it made on that part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from quant.backtest.costs import CostRates
from quant.backtest.grid import combinations, filled
from quant.backtest.strategy import StrategySpec, check_sizes, figures_from, simulate_signals
from quant.bars import Bars, Series
from quant.performance import SESSIONS_PER_YEAR
from quant.rules import compile_rule
from quant.rules.nodes import Memo

FOLDS_MAX: Final = 50
FOLD_CELLS_MAX: Final = 25_000_000
"""Trials times bars: each is a return that is kept, 200 MB in all."""

Figure = Literal["sharpe", "total_return"]
OBJECTIVES: Final[tuple[Figure, ...]] = ("sharpe", "total_return")
"""Figures that a set of returns has, whatever days lie between them."""


@dataclass(frozen=True, slots=True)
class FoldPlan:
    """Into how many parts the days are cut, and how many bars on both sides of a part nobody learns from.

    A position that reaches over a border tells of both sides: `purge` is as long as positions are held, or longer.
    """

    count: int
    purge: int
    objective: Figure = "sharpe"


@dataclass(frozen=True, slots=True)
class Fold:
    """One part: the best trial of the other days, its figure there and here, and the share of trials better here."""

    test: tuple[date, date]
    parameters: dict[str, float]
    in_sample: float
    out_of_sample: float
    better_share: float


@dataclass(frozen=True, slots=True, eq=False)
class CrossValidation:
    """All folds, their test days laid end to end as one account, and how often the choice was no better than any.

    `overfitting` is the share of folds whose choice ended in the worse half of all trials (Bailey et al.).
    """

    folds: tuple[Fold, ...]
    equity: Series
    metrics: dict[str, float | None]
    overfitting: float


def cross_validate(
    bars: Bars, template: StrategySpec, grid: Mapping[str, Sequence[float]], costs: CostRates, plan: FoldPlan
) -> CrossValidation:
    """Test every combination once on all bars, and choose from the returns. ValueError for what does not fit."""
    check_sizes(bars, costs)
    tried = list(combinations(template, grid))
    refuse_misfits(len(bars), len(tried), plan)
    return validated(bars.dates, tried, _returns(bars, template, tried, costs), template.initial_cash, plan)


def refuse_misfits(bars: int, trials: int, plan: FoldPlan) -> None:
    """ValueError for folds that cannot be made of so many bars, and for trials whose returns are too many to keep."""
    if not 2 <= plan.count <= FOLDS_MAX or plan.purge < 0:
        raise ValueError(f"there are 2 to {FOLDS_MAX} folds, and nothing is purged backwards")
    if bars // plan.count <= 2 * plan.purge + 2:
        said = f"{bars} bars in {plan.count} folds leave nothing beside {plan.purge} purged ones"
        most = (bars // plan.count - 3) // 2
        nearest = f"purge {most} or fewer" if most >= 0 else f"cut them into {bars // 3} or fewer"
        raise ValueError(f"{said}; {nearest}")
    if trials * bars > FOLD_CELLS_MAX:
        raise ValueError(f"at most {FOLD_CELLS_MAX // bars:,} combinations fit with {bars:,} bars")


def validated(
    dates: NDArray[np.datetime64],
    tried: Sequence[dict[str, float]],
    returns: Series,
    initial_cash: float,
    plan: FoldPlan,
) -> CrossValidation:
    """Choose from the returns of each bar (columns) of each trial (rows), fold by fold."""
    edges = np.linspace(0, len(dates), plan.count + 1).astype(int)
    folds, curve = [], np.empty(len(dates))
    for first, after in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        learned = np.ones(len(dates), dtype=np.bool_)
        learned[max(0, first - plan.purge) : after + plan.purge] = False
        inside = _figures(returns[:, learned], plan.objective)
        outside = _figures(returns[:, first:after], plan.objective)
        best = int(np.argmax(inside))
        days = tuple(cast("date", dates[place].item()) for place in (first, after - 1))
        better = float(np.mean(outside > outside[best]))
        folds.append(Fold((days[0], days[1]), tried[best], float(inside[best]), float(outside[best]), better))
        curve[first:after] = returns[best, first:after]
    equity = np.asarray(initial_cash * np.cumprod(1 + curve), dtype=np.float64)
    metrics = figures_from(dates, equity, np.zeros(0), initial_cash, 0)
    return CrossValidation(tuple(folds), equity, metrics, float(np.mean([fold.better_share > 0.5 for fold in folds])))


def returns_from(equity: Series, initial_cash: float) -> Series:
    """The return of each bar; the first one is on the initial cash."""
    return np.asarray(equity / np.append(initial_cash, equity[:-1]) - 1, dtype=np.float64)


def _returns(bars: Bars, template: StrategySpec, tried: Sequence[Mapping[str, float]], costs: CostRates) -> Series:
    """The return of each bar (columns) of each trial (rows)."""
    frame, memo, rows = bars.frame(), Memo(), np.empty((len(tried), len(bars)))
    for row, parameters in zip(rows, tried, strict=True):
        spec = filled(template, parameters)
        signals = (compile_rule(spec.entry).mask(frame, memo), compile_rule(spec.exit).mask(frame, memo))
        equity, _ = simulate_signals(bars, signals, costs, spec.plan)
        row[:] = returns_from(equity, spec.initial_cash)
    return rows


def _figures(returns: Series, objective: Figure) -> Series:
    """The figure of each row; a trial that never moved has a ratio of 0, as it neither won nor lost."""
    if objective == "total_return":
        return np.asarray(np.prod(1 + returns, axis=1) - 1, dtype=np.float64)
    spread = np.std(returns, axis=1, ddof=1)
    ratio = np.divide(np.mean(returns, axis=1), spread, out=np.zeros(len(returns)), where=spread > 1e-15)
    return np.asarray(ratio * np.sqrt(SESSIONS_PER_YEAR), dtype=np.float64)

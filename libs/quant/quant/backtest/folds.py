"""Purged cross-validation: what was best on all days but a part, and what it made on that part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, cast

import numpy as np

from quant.backtest.costs import CostRates
from quant.backtest.grid import combinations, filled
from quant.backtest.strategy import StrategySpec, check_sizes, figures_of, simulate_signals
from quant.bars import Bars, Mask, Series
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
    if not 2 <= plan.count <= FOLDS_MAX or plan.purge < 0:
        raise ValueError(f"there are 2 to {FOLDS_MAX} folds, and nothing is purged backwards")
    if len(bars) // plan.count <= 2 * plan.purge + 2:
        raise ValueError(f"{len(bars)} bars in {plan.count} folds leave nothing beside {plan.purge} purged ones")
    tried = list(combinations(template, grid))
    if len(tried) * len(bars) > FOLD_CELLS_MAX:
        raise ValueError(f"at most {FOLD_CELLS_MAX // len(bars):,} combinations fit with {len(bars):,} bars")
    returns = _returns(bars, template, tried, costs)
    edges = np.linspace(0, len(bars), plan.count + 1).astype(int)
    folds, curve = [], np.empty(len(bars))
    for first, after in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        learned = np.ones(len(bars), dtype=np.bool_)
        learned[max(0, first - plan.purge) : after + plan.purge] = False
        inside, outside = (_figures(returns[:, mask], plan.objective) for mask in (learned, _span(bars, first, after)))
        best = int(np.argmax(inside))
        days = tuple(cast("date", bars.dates[place].item()) for place in (first, after - 1))
        better = float(np.mean(outside > outside[best]))
        folds.append(Fold((days[0], days[1]), tried[best], float(inside[best]), float(outside[best]), better))
        curve[first:after] = returns[best, first:after]
    equity = np.asarray(template.initial_cash * np.cumprod(1 + curve), dtype=np.float64)
    metrics = figures_of(bars, equity, np.zeros(0), template.initial_cash, 0)
    return CrossValidation(tuple(folds), equity, metrics, float(np.mean([fold.better_share > 0.5 for fold in folds])))


def _returns(bars: Bars, template: StrategySpec, tried: Sequence[Mapping[str, float]], costs: CostRates) -> Series:
    """The return of each bar (columns) of each trial (rows); the first one is on the initial cash."""
    frame, memo, rows = bars.frame(), Memo(), np.empty((len(tried), len(bars)))
    for row, parameters in zip(rows, tried, strict=True):
        spec = filled(template, parameters)
        signals = (compile_rule(spec.entry).mask(frame, memo), compile_rule(spec.exit).mask(frame, memo))
        equity, _ = simulate_signals(bars, signals, costs, spec.plan)
        row[0] = equity[0] / spec.initial_cash - 1
        row[1:] = equity[1:] / equity[:-1] - 1
    return rows


def _span(bars: Bars, first: int, after: int) -> Mask:
    mask = np.zeros(len(bars), dtype=np.bool_)
    mask[first:after] = True
    return mask


def _figures(returns: Series, objective: Figure) -> Series:
    """The figure of each row; a trial that never moved has a ratio of 0, as it neither won nor lost."""
    if objective == "total_return":
        return np.asarray(np.prod(1 + returns, axis=1) - 1, dtype=np.float64)
    spread = np.std(returns, axis=1, ddof=1)
    ratio = np.divide(np.mean(returns, axis=1), spread, out=np.zeros(len(returns)), where=spread > 1e-15)
    return np.asarray(ratio * np.sqrt(SESSIONS_PER_YEAR), dtype=np.float64)

"""Many combinations of parameters on the same bars: rule templates of any shape, or the compiled average cross."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Final

import numpy as np
import talib
from numba import njit
from numpy.typing import NDArray

from quant.backtest import core
from quant.backtest.costs import CostRates
from quant.backtest.strategy import StrategySpec, check_sizes, metrics_of, simulate_signals
from quant.bars import Bars, Mask, Series
from quant.rules import compile_rule, fill_template, template_names
from quant.rules.nodes import Memo

COMBINATIONS_MAX: Final = 20_000
# Indicators kept for the next combinations; a grid with more starts over, which costs time but never memory.
SHARED_INDICATORS_MAX: Final = 512


@dataclass(frozen=True, slots=True)
class SweepRow:
    """One combination and its figures, the same as those of `run`."""

    parameters: dict[str, float]
    metrics: dict[str, float | None]


def sweep(bars: Bars, template: StrategySpec, grid: Mapping[str, Sequence[float]], costs: CostRates) -> list[SweepRow]:
    """Test every combination of a grid, in the order of the grid, the last name varying fastest.

    The rules of `template` hold names in braces: `sma({fast}) > sma({slow})`. ValueError when grid and template do
    not name the same parameters or there are too many combinations; RuleError when a filled rule cannot be read.
    Indicators used by several combinations are computed once.
    """
    check_sizes(bars, costs)
    rows = []
    frame, memo = bars.frame(), Memo()
    for parameters in combinations(template, grid):
        spec = _filled(template, parameters)
        rules = (compile_rule(spec.entry), compile_rule(spec.exit))
        signals = (rules[0].mask(frame, memo), rules[1].mask(frame, memo))
        if len(memo) > SHARED_INDICATORS_MAX:
            memo.clear()
        equity, table = simulate_signals(bars, signals, costs, spec.plan)
        look_back = max(rule.look_back for rule in rules)
        rows.append(SweepRow(parameters, metrics_of(bars, equity, table, spec.initial_cash, look_back)))
    return rows


def combinations(template: StrategySpec, grid: Mapping[str, Sequence[float]]) -> Iterator[dict[str, float]]:
    """All combinations of a grid, checked against the names its template uses."""
    names = template_names(template.entry) | template_names(template.exit)
    if names != set(grid):
        raise ValueError(f"the rules name {sorted(names)} and the grid {sorted(grid)}: they must be the same")
    count = prod(len(values) for values in grid.values())
    if not 0 < count <= COMBINATIONS_MAX:
        raise ValueError(f"a sweep has 1 to {COMBINATIONS_MAX} combinations, not {count}")
    return (dict(zip(grid, values, strict=True)) for values in product(*grid.values()))


def sweep_sma_cross(
    bars: Bars,
    pairs: Sequence[tuple[int, int]],
    costs: CostRates,
    initial_cash: float = 10_000_000.0,
) -> Series:
    """Final equity, largest drawdown, closed trades and winning trades (columns) of each (fast, slow) pair (rows).

    The strategy is `crosses_above(sma(fast), sma(slow))` in, `crosses_below` out: the same trades as `run`, compiled as
    one loop for grids of thousands.
    """
    check_sizes(bars, costs)
    if not 0 < len(pairs) <= COMBINATIONS_MAX:
        raise ValueError(f"a sweep has 1 to {COMBINATIONS_MAX} combinations, not {len(pairs)}")
    periods = sorted({period for pair in pairs for period in pair})
    if periods[0] < 1:
        raise ValueError("a period is at least 1")
    averages = np.array([talib.SMA(bars.close, period) for period in periods])
    places = np.searchsorted(periods, np.asarray(pairs, dtype=np.int64)).astype(np.int64)
    prices = (bars.open, bars.high, bars.low, bars.close)
    plan = (float(initial_cash), 1.0, 0.0, 0.0, 0.0, 0.0)
    rates = (costs.buy, costs.sell, float(costs.slippage))
    return np.asarray(_cross_all(prices, bars.traded, averages, places, rates, plan), dtype=np.float64)


def _filled(template: StrategySpec, parameters: Mapping[str, float]) -> StrategySpec:
    return replace(
        template,
        entry=fill_template(template.entry, parameters),
        exit=fill_template(template.exit, parameters),
    )


@njit(nogil=True, error_model="numpy")
def _cross_all(
    prices: tuple[Series, Series, Series, Series],
    traded: Mask,
    averages: Series,
    places: NDArray[np.int64],
    rates: tuple[Series, Series, float],
    plan: core.Plan,
) -> Series:
    size = traded.size
    ticks = (np.zeros(0, dtype=np.int64), np.zeros((0, 0)), np.zeros((0, 0)))  # no stops, so no grid to lay them on
    entries, exits = np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
    equity, trades = np.empty(size), np.empty((size, core.TRADE_COLUMNS))
    results = np.empty((places.shape[0], 4))
    for pair in range(places.shape[0]):
        fast, slow = averages[places[pair, 0]], averages[places[pair, 1]]
        for bar in range(1, size):
            entries[bar] = fast[bar] > slow[bar] and fast[bar - 1] <= slow[bar - 1]
            exits[bar] = fast[bar] < slow[bar] and fast[bar - 1] >= slow[bar - 1]
        count = core.simulate(prices, (traded, entries, exits), rates, plan, ticks, (equity, trades))
        closed = count - (count > 0 and trades[count - 1, core.REASON] == core.STILL_OPEN)
        results[pair] = np.array([equity[-1], _deepest(plan[0], equity), closed, _won(trades[:closed])])
    return results


@njit(nogil=True, error_model="numpy")
def _deepest(start: float, equity: Series) -> float:
    peak, deepest = start, 0.0
    for value in equity:
        peak = max(peak, value)
        deepest = min(deepest, value / peak - 1)
    return deepest


@njit(nogil=True, error_model="numpy")
def _won(closed: Series) -> int:
    won = 0
    for trade in closed:
        gained = trade[core.SHARES] * (trade[core.EXIT_PRICE] - trade[core.ENTRY_PRICE])
        won += gained > trade[core.ENTRY_COST] + trade[core.EXIT_COST]
    return won

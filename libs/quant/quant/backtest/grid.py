"""Many combinations of parameters on the same bars: rule templates of any shape, or the compiled average cross."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from random import Random
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from quant.backtest import core
from quant.backtest.costs import CostRates
from quant.backtest.strategy import StrategySpec, check_sizes, metrics_of, simulate_signals
from quant.bars import Bars, Mask, Series
from quant.indicators.bare_talib import talib
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


def sampled(grid: Mapping[str, Sequence[float]], count: int, seed: int = 0) -> list[dict[str, float]]:
    """Random search: so many different combinations of a grid of any size, the same for the same seed."""
    sizes = [len(values) for values in grid.values()]
    total = prod(sizes)
    if not 0 < count <= min(total, COMBINATIONS_MAX):
        raise ValueError(f"1 to {min(total, COMBINATIONS_MAX)} of these {total} combinations can be drawn, not {count}")
    places = sorted(Random(seed).sample(range(total), count))  # noqa: S311 - a draw that must repeat
    found = []
    for place in places:
        values, rest = {}, place
        for name, size in zip(reversed(list(grid)), reversed(sizes), strict=True):
            rest, index = divmod(rest, size)
            values[name] = grid[name][index]
        found.append({name: values[name] for name in grid})
    return found


def sweep(
    bars: Bars,
    template: StrategySpec,
    grid: Mapping[str, Sequence[float]],
    costs: CostRates,
    only: Sequence[Mapping[str, float]] | None = None,
) -> list[SweepRow]:
    """Test every combination of a grid, in the order of the grid, the last name varying fastest.

    The rules of `template` hold names in braces: `sma({fast}) > sma({slow})`. ValueError when grid and template do
    not name the same parameters or there are too many combinations; RuleError when a filled rule cannot be read.
    Indicators used by several combinations are computed once. `only` names the combinations to test, see `sampled`.
    """
    check_sizes(bars, costs)
    rows = []
    frame, memo = bars.frame(), Memo()
    tried = combinations(template, grid) if only is None else (dict(values) for values in only)
    for parameters in tried:
        spec = filled(template, parameters)
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
    known = np.array([period - 1 for period in periods], dtype=np.int64)
    places = np.searchsorted(periods, np.asarray(pairs, dtype=np.int64)).astype(np.int64)
    rates = (costs.buy, costs.sell, float(costs.slippage))
    columns = (bars.open, bars.close, _following(bars.traded))
    return np.asarray(_cross_all(columns, averages, known, places, rates, float(initial_cash)), dtype=np.float64)


def _following(traded: Mask) -> NDArray[np.int64]:
    """The next bar that trades after each that does, the number of bars when there is none; 0 on halted bars."""
    places = np.flatnonzero(traded)
    following = np.zeros(len(traded), dtype=np.int64)
    following[places] = np.append(places[1:], len(traded))
    return following


def filled(template: StrategySpec, parameters: Mapping[str, float]) -> StrategySpec:
    """The strategy of one combination."""
    return replace(
        template,
        entry=fill_template(template.entry, parameters),
        exit=fill_template(template.exit, parameters),
    )


@njit(nogil=True, error_model="numpy")
def _cross_all(
    bars: tuple[Series, Series, NDArray[np.int64]],
    averages: Series,
    known: NDArray[np.int64],
    places: NDArray[np.int64],
    rates: core.Rates,
    cash: float,
) -> Series:
    """One row for each pair. Bars: open, close, the next bar that trades (0 for a halted one: no signal)."""
    results = np.empty((places.shape[0], 4))
    for pair in range(places.shape[0]):
        fast, slow = averages[places[pair, 0]], averages[places[pair, 1]]
        first = max(known[places[pair, 0]], known[places[pair, 1]]) + 1
        _cross_one(bars, fast, slow, (first, cash), rates, results[pair])
    return results


@njit(nogil=True, error_model="numpy")
def _cross_one(
    bars: tuple[Series, Series, NDArray[np.int64]],
    fast: Series,
    slow: Series,
    begin: tuple[int, float],
    rates: core.Rates,
    row: Series,
) -> None:
    """What `core.simulate` does for a cross, with a look at no bar but those where the averages change places.

    Between two trades only the value moves, which is walked through for the drawdown.
    """
    opens, closes, following = bars
    size, first, cash = closes.size, begin[0], begin[1]
    curve = np.array([cash, 0.0])
    shares, paid, bought, closed, won = 0.0, 0.0, 0, 0, 0
    up, down = first <= size and fast[first - 1] > slow[first - 1], first <= size and fast[first - 1] < slow[first - 1]
    for bar in range(first, size):
        was_up, was_down, up, down = up, down, fast[bar] > slow[bar], fast[bar] < slow[bar]
        if up == was_up and down == was_down:
            continue
        trades = following[bar]
        if trades == 0 or trades >= size:
            continue
        if up and not was_up and shares == 0:
            price = opens[trades] * (1 + rates[2])
            shares = core.affordable(cash, 1.0, price * (1 + rates[0][trades]))
            paid = shares * price + shares * price * rates[0][trades]
            cash, bought = cash - paid, trades
        elif down and not was_down and shares > 0:
            _sink(curve, closes[bought:trades], cash, shares)
            price = opens[trades] * (1 - rates[2])
            received = shares * price - shares * price * rates[1][trades]
            cash, closed, won, shares = cash + received, closed + 1, won + (received > paid), 0.0
            curve[1] = min(curve[1], cash / max(curve[0], cash) - 1)
            curve[0] = max(curve[0], cash)
    if shares > 0:
        _sink(curve, closes[bought:], cash, shares)
    row[0], row[1], row[2], row[3] = cash + shares * closes[-1], curve[1], closed, won


@njit(nogil=True, error_model="numpy")
def _sink(curve: Series, closes: Series, cash: float, shares: float) -> None:
    """Walk through the closes of a position: `curve` holds the highest value so far and the deepest drawdown."""
    peak, deepest = curve[0], curve[1]
    floor = peak * (1 + deepest)
    for close in closes:
        value = cash + shares * close
        if value > peak:
            peak = value
            floor = peak * (1 + deepest)
        elif value < floor:
            deepest, floor = value / peak - 1, value
    curve[0], curve[1] = peak, deepest

"""Whether a result is more than luck: deflated Sharpe ratio, trades drawn anew, and walk-forward tests."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import ceil, e, isfinite, sqrt
from statistics import NormalDist
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray

from quant.backtest.costs import CostRates
from quant.backtest.grid import filled, sweep
from quant.backtest.strategy import StrategySpec, figures_from, profits_of, simulate_signals
from quant.bars import FIELDS, Bars, Series
from quant.rules import compile_rule

DRAWS_MAX: Final = 10_000
WINDOWS_MAX: Final = 200
_EULER: Final = 0.5772156649015329
_CELLS_MAX: Final = 2_000_000


def expected_best_sharpe(spread: float, trials: int) -> float:
    """The best Sharpe ratio that so many worthless trials will show, `spread` being the deviation among them."""
    if trials < 2:
        return 0.0
    normal = NormalDist()
    luck = (1 - _EULER) * normal.inv_cdf(1 - 1 / trials) + _EULER * normal.inv_cdf(1 - 1 / (trials * e))
    return spread * luck


def probability_of_skill(sharpe: float, benchmark: float, sessions: int, shape: tuple[float, float]) -> float:
    """The probability that a Sharpe ratio seen over some sessions is truly above a benchmark (Bailey, López de Prado).

    Both ratios are a session's, not a year's. `shape` is skewness and kurtosis of the returns, 0 and 3 for normal ones.
    """
    skewness, kurtosis = shape
    blur = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
    if sessions < 2 or blur <= 0:
        return float("nan")
    return NormalDist().cdf((sharpe - benchmark) * sqrt(sessions - 1) / sqrt(blur))


def deflated_sharpe(returns: Series, trial_sharpes: Sequence[float]) -> float:
    """The probability that the best of many trials has skill, given how many there were and how far they spread.

    `returns` are the session returns of the best, `trial_sharpes` a session's Sharpe ratios of all. Below 0.95,
    what was found is what luck finds among so many. NaN without variation.
    """
    found = [value for value in trial_sharpes if isfinite(value)]
    if len(returns) < 3 or not (deviation := float(np.std(returns, ddof=1))):
        return float("nan")
    centred = (returns - np.mean(returns)) / np.std(returns)
    shape = (float(np.mean(centred**3)), float(np.mean(centred**4)))
    spread = float(np.std(found, ddof=1)) if len(found) > 1 else 0.0
    benchmark = expected_best_sharpe(spread, len(found))
    return probability_of_skill(float(np.mean(returns)) / deviation, benchmark, len(returns), shape)


@dataclass(frozen=True, slots=True)
class Redrawn:
    """What the same trades in other luck would have come to: 5th, 50th and 95th percentile of all draws.

    `drawdown` is of the account after each trade, zero or negative; `loss_share` the draws that lost money.
    """

    final: tuple[float, float, float]
    drawdown: tuple[float, float, float]
    loss_share: float


def redraw_trades(profit_rates: Series, cash: float, draws: int = 1_000, seed: int = 0) -> Redrawn:
    """Draw as many trades as there were, with repetition, again and again, each growing the whole account.

    `profit_rates` are profits after costs over what each position cost. ValueError without trades, or for too many
    draws.
    """
    count = len(profit_rates)
    if not count or not 0 < draws <= DRAWS_MAX:
        raise ValueError(f"there must be trades, and 1 to {DRAWS_MAX} draws")
    random = np.random.default_rng(seed)
    finals, depths = [], []
    step = max(1, _CELLS_MAX // count)
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        drawn = np.maximum(1 + profit_rates[random.integers(0, count, (rows, count))], 0)
        curves = np.concatenate([np.ones((rows, 1)), np.cumprod(drawn, axis=1)], axis=1)
        peaks = np.maximum.accumulate(curves, axis=1)
        finals.append(curves[:, -1])
        depths.append((curves / peaks - 1).min(axis=1))
    final, depth = np.concatenate(finals), np.concatenate(depths)
    return Redrawn(_spread(final * cash), _spread(depth), float(np.mean(final < 1)))


@dataclass(frozen=True, slots=True)
class Window:
    """One step of a walk: what was best on the training bars, and what it made on the bars after them."""

    train: tuple[date, date]
    test: tuple[date, date]
    parameters: dict[str, float]
    in_sample: float
    out_of_sample: float


@dataclass(frozen=True, slots=True, eq=False)
class WalkForward:
    """All windows, and the figures of their test bars laid end to end: nothing was chosen by looking at these."""

    windows: tuple[Window, ...]
    equity: Series
    metrics: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class Walk:
    """How to walk: bars to choose on, bars to test on, and the figure that chooses."""

    train: int
    test: int
    objective: str = "sharpe"


Choose = Callable[[int, int], tuple[dict[str, float], float]]
"""From the first bar and the one after the last: the best parameters there, and the total return they made there."""
Test = Callable[[Mapping[str, float], float, tuple[int, int, int]], tuple[Series, Series]]
"""From parameters, cash and the bars at which learning began, trading begins and ends: equity, and closed profits."""


def walk_forward(
    bars: Bars, template: StrategySpec, grid: Mapping[str, Sequence[float]], costs: CostRates, walk: Walk
) -> WalkForward:
    """Choose parameters on `walk.train` bars, trade them on the next `walk.test`, and go on from there with the cash.

    Rules see the bars before a test begins, positions end with it. In and out of sample are total returns. ValueError
    when there are not enough bars for one window, or windows without end.
    """

    def choose(first: int, after: int) -> tuple[dict[str, float], float]:
        rows = sweep(_part(bars, first, after), template, grid, _part_of_costs(costs, first, after))
        return best_of([(row.parameters, row.metrics) for row in rows], walk.objective)

    def test(parameters: Mapping[str, float], cash: float, window: tuple[int, int, int]) -> tuple[Series, Series]:
        first, start, after = window
        spec = replace(filled(template, parameters), initial_cash=cash)
        equity, table = _tested(_part(bars, first, after), spec, _part_of_costs(costs, first, after), start - first)
        return equity, profits_of(table)

    return walk_through(bars.dates, template.initial_cash, walk, choose, test)


def walk_through(dates: NDArray[np.datetime64], cash: float, walk: Walk, choose: Choose, test: Test) -> WalkForward:
    """Go from window to window: choose on one part, test on the next. ValueError for days that make no window."""
    starts = range(walk.train, len(dates) - walk.test + 1, walk.test)
    if walk.train < 2 or walk.test < 2 or not 1 <= len(starts) <= WINDOWS_MAX:
        said = f"{len(dates)} bars do not make 1 to {WINDOWS_MAX} windows of {walk.train} and {walk.test}"
        raise ValueError(f"{said}; {_nearest(len(dates), walk)}")
    begun, windows, curves, profits = cash, [], [], []
    for start in starts:
        first, after = start - walk.train, start + walk.test
        chosen, in_sample = choose(first, start)
        equity, closed = test(chosen, cash, (first, start, after))
        days = [cast("date", dates[place].item()) for place in (first, start - 1, start, after - 1)]
        made = float(equity[-1] / cash - 1)
        windows.append(Window((days[0], days[1]), (days[2], days[3]), chosen, in_sample, made))
        cash = float(equity[-1])
        curves.append(equity)
        profits.append(closed)
    equity = np.concatenate(curves)
    tested = dates[walk.train : walk.train + len(equity)]
    metrics = figures_from(tested, equity, np.concatenate(profits), begun, 0)
    return WalkForward(tuple(windows), equity, metrics)


def _nearest(bars: int, walk: Walk) -> str:
    """What would make windows instead."""
    if walk.train + walk.test > bars:
        return f"both together may have {bars}"
    return f"choose on 2 or more, and test on {max(2, ceil((bars - walk.train) / WINDOWS_MAX))} or more"


def best_of(
    tried: Sequence[tuple[dict[str, float], Mapping[str, float | None]]], objective: str
) -> tuple[dict[str, float], float]:
    """The parameters with the largest figure, the first of equals, and their total return."""
    best = max(tried, key=lambda one: -np.inf if (figure := one[1][objective]) is None else figure)
    return best[0], best[1]["total_return"] or 0.0


def _tested(bars: Bars, spec: StrategySpec, costs: CostRates, train: int) -> tuple[Series, Series]:
    """Equity and trades of the bars after the training ones; the last order sells at the open of the last bar."""
    frame = bars.frame()
    entries, exits = (compile_rule(rule).mask(frame)[train:] for rule in (spec.entry, spec.exit))
    entries[-2:], exits[-2] = False, True
    after = _part(bars, train, len(bars))
    return simulate_signals(after, (entries, exits), _part_of_costs(costs, train, len(bars)), spec.plan)


def _part(bars: Bars, first: int, after: int) -> Bars:
    return Bars(bars.dates[first:after], **{name: getattr(bars, name)[first:after] for name in FIELDS})


def _part_of_costs(costs: CostRates, first: int, after: int) -> CostRates:
    rows, below, sizes = costs.ticks
    return replace(
        costs, buy=costs.buy[first:after], sell=costs.sell[first:after], ticks=(rows[first:after], below, sizes)
    )


def _spread(values: Series) -> tuple[float, float, float]:
    low, middle, high = np.percentile(values, (5, 50, 95)).tolist()
    return low, middle, high

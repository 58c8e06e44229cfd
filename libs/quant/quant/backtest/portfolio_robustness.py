"""Portfolios on days that they were not chosen on: walk-forward tests and purged cross-validation of a universe."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from quant.backtest.folds import CrossValidation, FoldPlan, refuse_misfits, returns_from, validated
from quant.backtest.portfolio import PortfolioResult, PortfolioSpec, hold_choices, run_portfolio
from quant.backtest.robustness import Walk, WalkForward, best_of, walk_through
from quant.bars import Series
from quant.choices import Universe, choices_of
from quant.panel import Panel

Tried = Sequence[tuple[dict[str, float], PortfolioSpec]]
"""Combinations of parameters, and what each makes of the portfolio; all have the same initial cash."""


def walk_forward_portfolio(universe: Universe, tried: Tried, walk: Walk) -> WalkForward:
    """Choose a combination on `walk.train` days, hold it on the next `walk.test`, and go on from there with the cash.

    Rules see the days before a test begins. The first choice of symbols is on its first day, and everything is sold at
    its last open; what does not trade then counts at its last close. RuleError and ValueError as `walk_forward` has.
    """

    def choose(first: int, after: int) -> tuple[dict[str, float], float]:
        part = part_of(universe, first, after)
        return best_of([(parameters, run_portfolio(part, spec).metrics) for parameters, spec in tried], walk.objective)

    def test(parameters: Mapping[str, float], cash: float, window: tuple[int, int, int]) -> tuple[Series, Series]:
        first, start, after = window
        (spec,) = [one for values, one in tried if values == parameters]
        spec = replace(spec, initial_cash=cash)
        done = _tested(part_of(universe, first, after), spec, start - first)
        profits = [trip.profit for _, trip in done.trades if trip.reason != "open"]
        return done.equity[start - first :], np.array(profits, dtype=np.float64)

    return walk_through(universe.days, tried[0][1].initial_cash, walk, choose, test)


def cross_validate_portfolio(universe: Universe, tried: Tried, plan: FoldPlan) -> CrossValidation:
    """Hold every combination once over all days, and choose from the returns. ValueError for what does not fit."""
    refuse_misfits(len(universe.days), len(tried), plan)
    cash = tried[0][1].initial_cash
    returns = np.stack([returns_from(run_portfolio(universe, spec).equity, cash) for _, spec in tried])
    return validated(universe.days, [parameters for parameters, _ in tried], returns, cash, plan)


def part_of(universe: Universe, first: int, after: int) -> Universe:
    """A universe as it was over some of its days: symbols without a bar on these are no part of it."""
    panel, days = universe.panel, universe.days[first:after]
    kept = (panel.dates >= days[0]) & (panel.dates <= days[-1])
    symbol_of = universe.symbol_of[kept]
    there = np.unique(symbol_of)
    cut = Panel(
        tuple(panel.symbols[place] for place in there),
        np.searchsorted(symbol_of, there).astype(np.intp),
        panel.dates[kept],
        {name: values[kept] for name, values in panel.frame.items()},
    )
    boards, kinds = ([listed[place] for place in there] for listed in (universe.boards, universe.kinds))
    return Universe(cut, boards, kinds, universe.delisted[there])


def _tested(universe: Universe, spec: PortfolioSpec, start: int) -> PortfolioResult:
    """Choose on day `start` for the first time, and give up everything at the last close but one."""
    made, chosen = choices_of(universe, spec, start)
    made[-2:] = (len(chosen), -1)
    nobody = np.full((1, spec.positions), -1, dtype=np.int64)
    return hold_choices(universe, spec, (made, np.concatenate((chosen, nobody))))

"""Portfolios are tested on days they were not chosen on, as strategies of one symbol are."""

from dataclasses import replace

import numpy as np
import pytest
from quant.backtest import (
    Factor,
    FoldPlan,
    PortfolioSpec,
    StrategySpec,
    Universe,
    Walk,
    cost_rates,
    cross_validate,
    cross_validate_portfolio,
    find_look_ahead_in_panel,
    run_portfolio,
    walk_forward,
    walk_forward_portfolio,
)
from quant.backtest.portfolio_robustness import Tried
from quant.bars import Bars
from quant.panel import Panel

from libs.quant.tests.test_portfolio import FREE, a_universe

WALK = Walk(100, 50)
SPANS = (3, 5, 10, 20)


def tried(template: PortfolioSpec = FREE) -> Tried:
    """The same portfolio ranked by several spans."""
    return [({"span": float(span)}, replace(template, factors=(Factor(f"roc({span})"),))) for span in SPANS]


def days_of(universe: Universe, first: int, after: int) -> Universe:
    """The universe as if nobody had collected any other days."""
    panel = universe.panel
    kept = np.isin(panel.dates, universe.days[first:after])
    names = [panel.symbols[place] for place in universe.symbol_of[kept]]
    cut = Panel.of(names, panel.dates[kept], {name: values[kept] for name, values in panel.frame.items()})
    places = [panel.symbols.index(symbol) for symbol in cut.symbols]
    return Universe(cut, ["KOSPI"] * len(cut), ["etf"] * len(cut), universe.delisted[places])


def test_each_choice_is_the_best_of_its_training_days_and_is_held_on_the_days_after_them() -> None:
    universe = a_universe()
    walked = walk_forward_portfolio(universe, tried(), WALK)
    assert len(walked.windows) == (len(universe.days) - 100) // 50
    assert len(walked.equity) == 50 * len(walked.windows)
    for place, window in enumerate(walked.windows):
        part = days_of(universe, 50 * place, 50 * place + 100)
        assert window.train == (part.days[0].item(), part.days[-1].item())
        assert window.test[0] == universe.days[50 * place + 100].item()
        figures = {parameters["span"]: run_portfolio(part, spec).metrics for parameters, spec in tried()}
        best = max(figures, key=lambda span: figures[span]["sharpe"] or -np.inf)
        assert (window.parameters, window.in_sample) == ({"span": best}, figures[best]["total_return"])
    growth = np.prod([1 + window.out_of_sample for window in walked.windows])
    assert walked.metrics["equity_final"] == pytest.approx(FREE.initial_cash * growth)
    assert walked.metrics["trades"]


def test_nothing_is_held_from_one_window_into_the_next() -> None:
    universe = a_universe(halted=0.0, delisted=0)
    walked = walk_forward_portfolio(universe, tried(), WALK)
    other = a_universe(halted=0.0, delisted=0)
    for name in ("open", "high", "low", "close"):
        column = other.panel.frame[name]
        column[other.panel.dates > universe.days[149]] *= 2
    doubled = walk_forward_portfolio(other, tried(), WALK)
    assert doubled.windows[0] == walked.windows[0]
    assert doubled.equity[:50].tolist() == walked.equity[:50].tolist()


def test_no_window_of_a_universe_sees_what_comes_after_it() -> None:
    universe = a_universe(6, symbols=5, count=200)

    def observe(panel: Panel) -> dict[str, np.ndarray]:
        seen = Universe(panel, universe.boards, universe.kinds, universe.delisted)
        return {"equity": np.concatenate((np.zeros(100), walk_forward_portfolio(seen, tried(), WALK).equity))}

    assert find_look_ahead_in_panel(universe.panel, observe, cuts=6) == ()


@pytest.mark.parametrize("seed", range(3))
def test_a_universe_of_one_symbol_walks_and_folds_as_a_strategy_does(seed: int) -> None:
    universe = a_universe(seed, symbols=1, halted=0.0, delisted=0)
    bars = Bars.of(universe.panel.dates, dict(universe.panel.frame))
    costs = cost_rates(bars, "KOSPI", "etf", "free")
    strategy, grid = StrategySpec("close > sma({span})", "not close > sma({span})"), {"span": list(SPANS)}
    alone = replace(FREE, factors=(Factor("close"),), positions=1, every="day", tolerance=1.0)
    held = [({"span": float(span)}, replace(alone, condition=f"close > sma({span})")) for span in SPANS]
    one, many = walk_forward(bars, strategy, grid, costs, WALK), walk_forward_portfolio(universe, held, WALK)
    assert many.windows == one.windows
    assert many.equity.tolist() == one.equity.tolist()
    plan = FoldPlan(5, 10)
    cut, folded = cross_validate(bars, strategy, grid, costs, plan), cross_validate_portfolio(universe, held, plan)
    assert (folded.folds, folded.overfitting) == (cut.folds, cut.overfitting)
    assert folded.equity.tolist() == cut.equity.tolist()


def test_what_does_not_fit_a_universe_is_refused() -> None:
    universe = a_universe(count=60)
    with pytest.raises(ValueError, match="60 bars do not make"):
        walk_forward_portfolio(universe, tried(), WALK)
    with pytest.raises(ValueError, match="60 bars in 5 folds leave nothing"):
        cross_validate_portfolio(universe, tried(), FoldPlan(5, 10))

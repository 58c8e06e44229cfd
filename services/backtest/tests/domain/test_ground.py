"""Sweeps of a universe: each trial is a backtest of its own, and computers get the universe to the bit."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from backtest.domain.budget import CELLS_MAX
from backtest.domain.grid import mistakes_in_sweep
from backtest.domain.ground import filled_with, ground_of, material_of, pieces_of, try_on
from backtest.domain.holdings import SWEEP_ROWS_MAX, examine_universe, fields_of, hold
from backtest.domain.run import MANY, Refusal, Task, Terms
from backtest.domain.strategy import Portfolio, Ranked, Rules
from quant.backtest import Universe
from quant.markets.symbols import Listing

from services.backtest.tests.builders import a_universe

TERMS = Terms(Listing(MANY, "KRX"), Decimal(10_000_000), date(2015, 1, 5), date(2018, 12, 28))
RANKED = (Ranked("roc({span})"), Ranked("roe"))
RULES = Rules("close > sma({slow})", "close <= 0", None, portfolio=Portfolio("KRX", RANKED, positions=3))
GRID = {"span": [10, 20], "slow": [5, 40]}
SWEEP = Task(TERMS, RULES, GRID, "sharpe")


def test_each_trial_has_the_figures_of_the_portfolio_with_its_parameters() -> None:
    universe = a_universe(8, 300)
    combinations = [{"span": 10, "slow": 40}, {"span": 20, "slow": 5}]
    trials = try_on(SWEEP, universe, combinations)
    alone = [hold(filled_with(SWEEP, parameters), universe) for parameters in combinations]
    assert [trial.metrics for trial in trials] == [done.metrics for done in alone]
    assert trials[0].metrics != trials[1].metrics


def test_a_universe_comes_out_of_its_material_to_the_bit() -> None:
    universe = a_universe(4, 60)
    left = universe.delisted.copy()
    left[2] = np.datetime64("2015-03-02")
    universe.panel.frame["per"][7] = np.nan
    universe = replace(universe, delisted=left, boards=["KOSPI", "KOSDAQ", "KOSPI", "KONEX"])
    again = ground_of(material_of(universe))
    assert isinstance(again, Universe)
    assert (again.panel.symbols, list(again.boards), list(again.kinds)) == (
        universe.panel.symbols,
        list(universe.boards),
        list(universe.kinds),
    )
    for one, other in ((again.panel.starts, universe.panel.starts), (again.panel.dates, universe.panel.dates)):
        assert np.array_equal(one, other)
    assert np.array_equal(again.delisted, universe.delisted, equal_nan=True)
    assert {name: column.tobytes() for name, column in again.panel.frame.items()} == {
        name: column.tobytes() for name, column in universe.panel.frame.items()
    }


def test_figures_are_asked_for_by_what_the_filled_rules_read() -> None:
    assert fields_of(SWEEP) == ["roe"]


@pytest.mark.parametrize(
    ("ranking", "grid", "field", "said"),
    [
        ((Ranked("roc({span})"),), {"span": [10, 0], "slow": [5]}, "portfolio.ranking.0.factor", "roc(0)"),
        ((Ranked("close > {span}"),), {"span": [10], "slow": [5]}, "portfolio.ranking.0.factor", "column"),
        ((Ranked("roc(10)"),), {"span": [10], "slow": [5]}, "parameters", "the rules name slow"),
        ((Ranked("roc({span})", Decimal(0)),), GRID, "portfolio.ranking.0.weight", "ranks nothing"),
    ],
)
def test_a_sweep_of_a_ranking_that_cannot_be_is_refused_by_field(
    ranking: tuple[Ranked, ...], grid: dict[str, list[int]], field: str, said: str
) -> None:
    (mistake,) = mistakes_in_sweep(replace(RULES, portfolio=Portfolio("KRX", ranking, 3)), grid)
    assert mistake.field == field
    assert said in mistake.message


@pytest.mark.requirement("R-35")
def test_a_universe_beyond_what_a_sweep_may_have_is_refused_with_what_would_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    universe = a_universe(5, 100)
    assert examine_universe(SWEEP, universe) is universe
    many = replace(SWEEP, grid={"span": list(range(2, 1_002)), "slow": list(range(2, 1_002))})
    monkeypatch.setattr("backtest.domain.budget.CELLS_MAX", 5_000)
    refused = examine_universe(many, universe)
    assert isinstance(refused, Refusal)
    assert (refused.code, "ask for 10 combinations or fewer" in refused.detail) == ("too_many_trials", True)
    monkeypatch.setattr("backtest.domain.holdings.SWEEP_ROWS_MAX", 400)
    refused = examine_universe(SWEEP, universe)
    assert isinstance(refused, Refusal)
    assert (refused.code, "choose about 80 days, or fewer symbols" in refused.detail) == ("too_large", True)
    assert examine_universe(filled_with(SWEEP, {"span": 10, "slow": 5}), universe) is universe
    assert SWEEP_ROWS_MAX < CELLS_MAX


def test_a_chunk_of_a_universe_is_worth_reading_it() -> None:
    universe, grid = a_universe(20, 500), {"span": list(range(2, 102)), "slow": list(range(2, 52))}
    pieces = pieces_of(replace(SWEEP, grid=grid), universe)
    assert pieces[0] == (0, 500)
    assert sum(size for _, size in pieces) == 5_000

"""Equal inputs give equal figures and fingerprints."""

from dataclasses import replace
from decimal import Decimal

import pytest
from backtest.domain.fingerprint import fingerprint
from backtest.domain.prices import Prices, examine
from backtest.domain.run import Task
from backtest.domain.simulation import simulate, try_some

from services.backtest.tests.builders import a_history, a_sweep, rules, terms

TASK = Task(terms(), rules())


def prices(seed: int = 7, count: int = 800) -> Prices:
    examined = examine(terms(), a_history(seed, count))
    assert isinstance(examined, Prices)
    return examined


@pytest.mark.requirement("product 4: bit-exact repeatability")
def test_the_same_task_on_the_same_bars_gives_the_same_bits() -> None:
    first, second = (simulate(TASK, prices()) for _ in range(2))
    assert first.metrics == second.metrics
    assert [value.hex() for value in first.equity] == [value.hex() for value in second.equity]
    assert first.trades == second.trades
    assert len(first.trades) > 3
    assert fingerprint(TASK, prices(), "1") == fingerprint(TASK, prices(), "1")


@pytest.mark.parametrize(
    "other",
    [
        (Task(terms(), rules(leave="rsi(14) > 71")), prices(), "1"),
        (Task(terms(), rules(stop_loss="0.06")), prices(), "1"),
        (Task(terms(cash="20000000"), rules()), prices(), "1"),
        (TASK, prices(seed=8), "1"),
        (TASK, replace(prices(), kind="etf"), "1"),
        (TASK, prices(), "2"),
    ],
)
def test_whatever_decides_a_result_changes_the_fingerprint(other: tuple[Task, Prices, str]) -> None:
    assert fingerprint(*other) != fingerprint(TASK, prices(), "1")


def test_how_a_decimal_is_written_does_not_change_the_fingerprint() -> None:
    same = Task(replace(TASK.terms, initial_cash=Decimal("1E+7")), rules(stop_loss="0.0500"))
    assert fingerprint(same, prices(), "1") == fingerprint(TASK, prices(), "1")


def test_a_trial_of_a_sweep_has_the_figures_of_the_backtest_with_its_parameters() -> None:
    (trial,) = try_some(a_sweep(), prices(), [{"fast": 10, "slow": 40}])
    filled = rules(entry="crosses_above(sma(10), sma(40))", leave="crosses_below(sma(10), sma(40))", stop_loss=None)
    assert trial.metrics == simulate(Task(terms(), filled), prices()).metrics


def test_sales_are_taxed_by_their_date_and_the_costs_are_counted() -> None:
    taxed, untaxed = (simulate(TASK, replace(prices(), kind=kind)) for kind in ("stock", "etf"))
    assert taxed.costs > untaxed.costs > 0
    assert taxed.equity[-1] < untaxed.equity[-1]

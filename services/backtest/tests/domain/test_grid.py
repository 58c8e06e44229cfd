"""The grid of a sweep: what it may hold."""

import pytest
from backtest.domain.grid import Grid, mistakes_in_sweep
from backtest.domain.strategy import Rules

from services.backtest.tests.builders import CROSS


def test_a_grid_that_names_what_the_rules_name_has_no_mistakes() -> None:
    assert mistakes_in_sweep(CROSS, {"fast": [5, 10], "slow": [40.0, 60]}) == []


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({"fast": [5]}, "the rules name fast, slow, the parameters are fast"),
        ({"fast": [5], "slow": [40], "other": [1]}, "the parameters are fast, other, slow"),
        ({"fast": [5, 5], "slow": [40]}, "may be listed once"),
    ],
)
def test_a_grid_that_cannot_be_computed_is_refused_as_a_whole(grid: Grid, said: str) -> None:
    (mistake,) = mistakes_in_sweep(CROSS, grid)
    assert mistake.field == "parameters"
    assert said in mistake.message


def test_every_value_is_tried_not_only_the_first() -> None:
    entry, leave = mistakes_in_sweep(CROSS, {"fast": [5, 10], "slow": [40, 0]})
    assert (entry.field, leave.field) == ("entry", "exit")
    assert "sma(0)" in entry.message


def test_rules_without_a_parameter_are_checked_too() -> None:
    (mistake,) = mistakes_in_sweep(Rules("rsi({n}) < 30", "nothing", None), {"n": [14]})
    assert mistake.field == "exit"

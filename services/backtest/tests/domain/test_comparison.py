"""Runs side by side are compared on the days that all of them have."""

from datetime import date, timedelta

import numpy as np
import pytest
from backtest.domain.comparison import POINTS_MAX, Curve, compare

FIRST = date(2024, 1, 2)


def a_curve(size: int, seed: int, first: int = 0) -> Curve:
    random = np.random.default_rng(seed)
    worth = 1_000_000 * np.exp(random.normal(0, 0.01, size).cumsum())
    return [(FIRST + timedelta(days=first + place), float(each)) for place, each in enumerate(worth)]


def test_only_common_days_count_and_every_curve_begins_with_one() -> None:
    early, late = a_curve(100, seed=1), a_curve(100, seed=2, first=40)
    found = compare([early, late])
    assert found is not None
    assert (found.days, found.dates[0], found.dates[-1]) == (60, late[0][0], early[-1][0])
    assert [worth[0] for worth in found.worth] == [1.0, 1.0]
    assert found.figures[0]["total_return"] == pytest.approx(early[-1][1] / early[40][1] - 1)
    assert found.worth[0][-1] == pytest.approx(1 + (found.figures[0]["total_return"] or 0))


def test_correlations_are_those_of_returns_and_undefined_without_movement() -> None:
    one, other = a_curve(50, seed=3), a_curve(50, seed=4)
    inverse = [(day, 1e12 / worth) for day, worth in one]
    still = [(day, 5.0) for day, _ in one]
    found = compare([one, other, inverse, still])
    assert found is not None
    assert found.correlations[0][0] == pytest.approx(1)
    assert found.correlations[0][2] == pytest.approx(-1, abs=1e-3)
    assert found.correlations[0][1] == found.correlations[1][0]
    assert found.correlations[3] == (None, None, None, None)
    assert found.figures[3]["sharpe"] is None


def test_a_long_curve_is_shown_by_some_of_its_points_with_both_ends() -> None:
    curve = a_curve(3_000, seed=5)
    found = compare([curve, curve])
    assert found is not None
    assert (len(found.dates), found.dates[0], found.dates[-1]) == (POINTS_MAX, curve[0][0], curve[-1][0])


def test_curves_without_common_days_cannot_be_compared() -> None:
    assert compare([a_curve(30, seed=6), a_curve(30, seed=7, first=28)]) is None

"""Figures against empyrical's published numbers and sums made by hand."""

from datetime import date
from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quant import performance as figures

# The series and results of empyrical's own tests (Apache-2.0), its leading NaN left out or counted as no change.
MIXED = np.array([1.0, 10.0, -4.0, 2.0, 3.0, 2.0, 1.0, -10.0]) / 100
MIXED_FROM_ZERO = np.concatenate(([0.0], MIXED))
NEGATIVE = np.array([0.0, -6.0, -7.0, -1.0, -9.0, -2.0, -6.0, -8.0, -5.0]) / 100
POSITIVE = np.array([1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]) / 100
NOTHING = np.array([])


def test_growth_agrees_with_empyrical() -> None:
    assert figures.total_return(MIXED) == pytest.approx(0.03893, abs=1e-5)
    assert figures.total_return(NEGATIVE) == pytest.approx(-0.36590, abs=1e-5)
    assert figures.cagr_by_sessions(MIXED_FROM_ZERO) == pytest.approx(1.9135925373194231, abs=1e-8)
    assert figures.cagr_by_sessions(np.array([0.01])) == pytest.approx(11.274002099240244, abs=1e-8)


def test_risk_agrees_with_empyrical() -> None:
    assert figures.volatility(MIXED) == pytest.approx(0.9136465399704637, abs=1e-8)
    assert figures.sharpe(MIXED) == pytest.approx(1.7238613961706866, abs=1e-8)
    assert figures.sharpe(NEGATIVE) == pytest.approx(-24.406808633910085, abs=1e-8)
    assert figures.sharpe(POSITIVE) == pytest.approx(52.915026221291804, abs=1e-8)
    assert figures.sortino(MIXED) == pytest.approx(2.605531251673693, abs=1e-8)
    assert figures.sortino(NEGATIVE) == pytest.approx(-13.532743075043401, abs=1e-8)
    assert figures.max_drawdown(MIXED) == pytest.approx(-0.1, abs=1e-8)
    assert figures.max_drawdown(NEGATIVE) == pytest.approx(-0.36590730349873601, abs=1e-8)
    assert figures.calmar(MIXED_FROM_ZERO) == pytest.approx(19.135925373194233, abs=1e-8)


def test_a_loss_on_the_first_day_is_a_drawdown_from_the_start() -> None:
    assert figures.drawdowns(np.array([-0.1, 0.05])).tolist() == pytest.approx([0, -0.1, -0.055])


def test_a_year_is_252_sessions_or_365_and_a_quarter_days_by_name() -> None:
    assert figures.cagr_by_calendar(100, 121, date(2020, 1, 1), date(2022, 1, 1)) == pytest.approx(
        1.21 ** (365.25 / 731) - 1
    )
    assert isnan(figures.cagr_by_calendar(100, 121, date(2020, 1, 1), date(2020, 1, 1)))


def test_the_risk_free_rate_is_a_yearly_one() -> None:
    daily = 1.05 ** (1 / 252) - 1
    expected = np.mean(MIXED - daily) / np.std(MIXED, ddof=1) * sqrt(252)
    assert figures.sharpe(MIXED, risk_free=0.05) == pytest.approx(expected)


def test_trades_are_judged_after_costs() -> None:
    profits = np.array([300.0, -100.0, 0.0, -50.0])
    assert figures.win_rate(profits) == 0.25
    assert figures.profit_factor(profits) == 2
    assert figures.expectancy(profits) == 37.5


def test_what_is_not_defined_is_not_a_number() -> None:
    by_returns = (
        figures.total_return,
        figures.cagr_by_sessions,
        figures.volatility,
        figures.sharpe,
        figures.sortino,
        figures.max_drawdown,
        figures.calmar,
        figures.win_rate,
        figures.profit_factor,
        figures.expectancy,
    )
    assert all(isnan(figure(NOTHING)) for figure in by_returns)
    assert isnan(figures.sharpe(np.full(9, 0.01)))
    assert isnan(figures.sortino(POSITIVE))
    assert isnan(figures.calmar(POSITIVE))


def test_a_summary_shows_none_for_what_is_not_defined() -> None:
    summary = figures.summary(np.array([100.0, 110.0, 99.0]), NOTHING, date(2024, 1, 2), date(2024, 1, 3))
    assert summary["total_return"] == pytest.approx(-0.01)
    assert summary["max_drawdown"] == pytest.approx(-0.1)
    assert summary["win_rate"] is None


def test_flows_earn_nothing_by_themselves() -> None:
    values = np.array([0.0, 100.0, 220.0, 165.0])
    deposits, withdrawals = np.array([100.0, 100.0, 0.0]), np.array([0.0, 0.0, 66.0])
    returns = figures.returns_net_of_flows(values, deposits, withdrawals)
    assert returns == pytest.approx([0.0, 0.1, 0.05])
    assert figures.total_return(returns) == pytest.approx(0.155)


def test_a_session_that_begins_with_nothing_earns_nothing() -> None:
    nothing = np.zeros(2)
    assert figures.returns_net_of_flows(np.zeros(3), nothing, nothing).tolist() == [0, 0]


def test_the_money_weighted_return_is_the_rate_of_a_savings_book() -> None:
    year = [(date(2025, 1, 1), -1_000.0), (date(2026, 1, 1), 1_100.0)]
    assert figures.money_weighted_return(year) == pytest.approx(0.1, abs=1e-12)
    # Microsoft's own example of XIRR
    example = [
        (date(2008, 1, 1), -10_000.0),
        (date(2008, 3, 1), 2_750.0),
        (date(2008, 10, 30), 4_250.0),
        (date(2009, 2, 15), 3_250.0),
        (date(2009, 4, 1), 2_750.0),
    ]
    assert figures.money_weighted_return(example) == pytest.approx(0.373362535, abs=1e-8)


@pytest.mark.parametrize(
    "flows",
    [
        [],
        [(date(2025, 1, 1), -1.0)],
        [(date(2025, 1, 1), -1.0), (date(2025, 1, 1), 2.0)],
        [(date(2025, 1, 1), 1.0), (date(2026, 1, 1), 1.0)],
        [(date(2025, 1, 1), -1.0), (date(2026, 1, 1), 5.0), (date(2027, 1, 1), -5.0)],
    ],
)
def test_no_rate_is_made_up_where_there_is_none(flows: list[tuple[date, float]]) -> None:
    assert isnan(figures.money_weighted_return(flows))


def test_a_benchmark_explains_what_moves_with_it() -> None:
    market = np.array([0.01, -0.02, 0.015, 0.003])
    assert figures.beta(2 * market, market) == pytest.approx(2)
    assert figures.alpha(2 * market + 0.001, market) == pytest.approx(1.001**252 - 1)
    assert isnan(figures.alpha(market, np.zeros(4)))


def test_the_tail_of_returns_agrees_with_empyrical() -> None:
    returns = np.arange(-10, 11) / 100
    assert figures.value_at_risk(returns) == pytest.approx(-0.09)
    assert figures.conditional_value_at_risk(returns) == pytest.approx(-0.095)


def test_turnover_is_one_way_and_a_year() -> None:
    assert figures.turnover(500, 300, 1_000, 126) == pytest.approx(0.6)
    assert isnan(figures.turnover(1, 1, 0, 10))


def test_wins_over_losses_needs_both() -> None:
    assert figures.payoff(np.array([30.0, -10.0, 10.0])) == 2
    assert isnan(figures.payoff(np.array([30.0])))


def test_a_drawdown_lasts_until_its_peak_is_reached_again() -> None:
    days = [date(2025, 1, day) for day in (2, 3, 6, 7, 10)]
    assert figures.drawdown_days(np.array([0.1, -0.1, 0.05, 0.2]), days) == 7
    assert figures.drawdown_days(np.array([0.1, 0.1, 0.1, -0.1]), days) == 3
    assert figures.drawdown_days(np.array([0.1, 0.1, 0.1, 0.1]), days) == 0


@given(st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=50))
def test_a_drawdown_is_never_deeper_than_everything_nor_above_zero(returns: list[float]) -> None:
    values = np.array(returns)
    assert -1 < figures.max_drawdown(values) <= 0
    assert figures.max_drawdown(values) <= min(0.0, figures.total_return(values)) + 1e-12

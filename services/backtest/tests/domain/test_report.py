"""The page of a backtest: months that add up, texts that stay texts, charts of any length."""

from datetime import date, timedelta

import pytest
from backtest.domain.outcome import Trade
from backtest.domain.report import TRADES_SHOWN_MAX, WIDTH, Report, monthly_returns, page

DAYS = [date(2023, 12, 28) + timedelta(days=number) for number in range(70)]


def a_report(size: int = 70, title: str = "005930", trades: int = 1) -> Report:
    one = Trade(DAYS[0], DAYS[5], 10, 100.0, 110.0, 3.0, 97.0, 0.097, "signal")
    days = [DAYS[0] + timedelta(days=number) for number in range(size)]
    equity = [1_000.0 + number for number in range(size + 1)]
    return Report(title, {"entry": "rsi(14) < 30"}, {"sharpe": "1.2"}, days, equity, [one] * trades)


def test_months_multiply_to_the_whole_return() -> None:
    equity = [1_000.0 * 1.01**number for number in range(71)]
    months = monthly_returns(DAYS, equity)
    assert list(months) == [(2023, 12), (2024, 1), (2024, 2), (2024, 3)]
    whole = 1.0
    for value in months.values():
        whole *= 1 + value
    assert whole == pytest.approx(equity[-1] / equity[0])
    assert months[(2023, 12)] == pytest.approx(1.01**4 - 1)


def test_texts_are_escaped() -> None:
    written = page(a_report(title="<script>alert(1)</script>"))
    assert "<script" not in written
    assert "rsi(14) &lt; 30" in written


@pytest.mark.parametrize("size", [0, 1, 899, 5_000])
def test_a_chart_is_no_longer_than_its_width_allows(size: int) -> None:
    written = page(a_report(size))
    line = written.split('points="')[1].split('"')[0].split()
    assert 1 <= len(line) <= 4 * WIDTH
    assert all(0 <= float(point.split(",")[0]) <= WIDTH for point in line)
    assert "nan" not in written


def test_a_page_says_how_many_trades_it_leaves_out() -> None:
    assert "7 more" in page(a_report(trades=TRADES_SHOWN_MAX + 7))

"""The page of a backtest: months that add up, texts that stay texts, charts of any length."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from backtest.domain.outcome import Trade
from backtest.domain.report import HEIGHT, MARKS, TRADES_SHOWN_MAX, WIDTH, Report, monthly_returns, page

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


def test_what_was_bought_and_sold_is_marked_on_the_price() -> None:
    closes = [100.0 + day for day in range(70)]
    bought = Trade(DAYS[10], DAYS[20], 10, 111.0, 119.5, 0.0, 85.0, 0.08, "signal")
    held = Trade(DAYS[30], DAYS[69], 10, 130.0, 169.0, 0.0, 390.0, 0.3, "open")
    written = page(replace(a_report(), trades=[bought, held], closes=closes))
    marks = written.partition("Trades on the price")[2].partition("</svg>")[0].split("<polygon")[1:]
    tips = [mark.partition('points="')[2].split()[0] for mark in marks]
    across = [f"{place / 69 * WIDTH:.1f}" for place in (10, 30, 20)]
    down = [f"{(169 - price) / 69 * HEIGHT:.1f}" for price in (111.0, 130.0, 119.5)]
    assert tips == [f"{x},{y}" for x, y in zip(across, down, strict=True)]
    assert [MARKS[1] in mark for mark in marks] == [True, True, False]


def test_marks_are_bounded_by_the_width_and_many_symbols_have_no_price() -> None:
    trade = Trade(DAYS[0], DAYS[5], 10, 100.0, 110.0, 3.0, 97.0, 0.097, "signal")
    crowded = page(replace(a_report(), trades=[trade] * 40_000, closes=[100.0] * 70))
    assert crowded.count("<polygon") == 2
    assert "Trades on the price" not in page(a_report())

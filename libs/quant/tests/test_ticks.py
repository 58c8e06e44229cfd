"""The price grids of the Korean boards before and after 2023-01-25, of funds, and of the US."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quant.markets.ticks import (
    ETF_REFORM,
    STOCK_REFORM,
    ceil_to_tick,
    floor_to_tick,
    is_on_grid,
    round_to_tick,
    tick_size,
)

NOW = date(2026, 11, 20)
BEFORE = date(2022, 6, 1)
PRICES = (999, 1000, 1999, 2000, 4999, 5000, 9999, 10000, 19999, 20000, 49999, 50000)
HIGH_PRICES = (99_999, 100_000, 199_999, 200_000, 499_999, 500_000)


def ticks(board: str, on: date, kind: str = "stock") -> list[int]:
    return [int(tick_size(Decimal(price), board, kind, on)) for price in PRICES + HIGH_PRICES]


@pytest.mark.parametrize("board", ["KOSPI", "KOSDAQ", "KONEX"])
def test_since_the_reform_all_boards_share_one_table(board: str) -> None:
    expected = [1, 1, 1, 5, 5, 10, 10, 10, 10, 50, 50, 100, 100, 100, 100, 500, 500, 1000]
    assert ticks(board, NOW) == ticks(board, STOCK_REFORM) == expected


def test_before_the_reform_kospi_was_coarser() -> None:
    expected = [1, 5, 5, 5, 5, 10, 10, 50, 50, 50, 50, 100, 100, 500, 500, 500, 500, 1000]
    assert ticks("KOSPI", STOCK_REFORM - timedelta(days=1)) == expected


@pytest.mark.parametrize("board", ["KOSDAQ", "KONEX"])
def test_before_the_reform_kosdaq_never_went_beyond_100(board: str) -> None:
    assert ticks(board, BEFORE) == [1, 5, 5, 5, 5, 10, 10, 50, 50, 50, 50, 100, 100, 100, 100, 100, 100, 100]


def test_funds_move_by_5_and_since_december_2023_by_1_below_2000() -> None:
    assert tick_size(Decimal(1999), "KOSPI", "etf", ETF_REFORM) == 1
    assert tick_size(Decimal(2000), "KOSPI", "etf", ETF_REFORM) == 5
    assert tick_size(Decimal(1999), "KOSPI", "etf", ETF_REFORM - timedelta(days=1)) == 5
    assert tick_size(Decimal(100_000), "KOSPI", "etf", NOW) == 5


def test_the_us_moves_by_the_cent_and_below_a_dollar_by_a_hundredth_of_it() -> None:
    assert tick_size(Decimal("1.00"), "US", "stock", NOW) == Decimal("0.01")
    assert tick_size(Decimal("0.9999"), "US", "etf", NOW) == Decimal("0.0001")


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
def test_a_price_that_is_no_price_is_refused(price: str) -> None:
    with pytest.raises(ValueError, match="positive"):
        tick_size(Decimal(price), "KOSPI", "stock", NOW)


def test_an_unknown_board_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown board 'KRX'"):
        tick_size(Decimal(1), "KRX", "stock", NOW)


def test_rounding_goes_down_up_and_to_the_nearest() -> None:
    price = Decimal(70_149)
    assert floor_to_tick(price, "KOSPI", "stock", NOW) == 70_100
    assert ceil_to_tick(price, "KOSPI", "stock", NOW) == 70_200
    assert round_to_tick(price, "KOSPI", "stock", NOW) == 70_100
    assert round_to_tick(Decimal(70_150), "KOSPI", "stock", NOW) == 70_200
    assert not is_on_grid(price, "KOSPI", "stock", NOW)


@given(
    cents=st.integers(1, 200_000_000),
    board=st.sampled_from(["KOSPI", "KOSDAQ", "KONEX", "US"]),
    kind=st.sampled_from(["stock", "etf"]),
    on=st.dates(date(2000, 1, 1), date(2027, 12, 31)),
)
def test_rounded_prices_lie_on_the_grid_and_within_a_tick(cents: int, board: str, kind: str, on: date) -> None:
    price = Decimal(cents) / 100
    floor, ceiling = floor_to_tick(price, board, kind, on), ceil_to_tick(price, board, kind, on)
    assert floor <= price <= ceiling
    assert ceiling - floor <= tick_size(price, board, kind, on)
    assert is_on_grid(ceiling, board, kind, on)
    assert floor == 0 or is_on_grid(floor, board, kind, on)
    assert is_on_grid(price, board, kind, on) == (floor == ceiling)

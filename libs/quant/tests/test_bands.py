"""The exchange's own examples of daily limits."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quant.markets.bands import price_band
from quant.markets.ticks import is_on_grid

NOW = date(2026, 11, 20)
WIDER_SINCE = date(2015, 6, 15)


@pytest.mark.parametrize(
    ("base", "lower", "upper"),
    [
        (9_980, 6_990, 12_970),
        (24_250, 17_000, 31_500),
        (239_000, 167_500, 310_500),
        (2_570, 1_800, 3_340),
        (6_060, 4_250, 7_870),
        (70_000, 49_000, 91_000),
    ],
)
def test_the_limits_are_those_the_exchange_publishes(base: int, lower: int, upper: int) -> None:
    band = price_band(Decimal(base), "KOSPI", NOW)
    assert band is not None
    assert (band.lower, band.upper) == (lower, upper)
    assert band.contains(Decimal(lower))
    assert not band.contains(Decimal(upper + 1))


def test_before_2023_the_upper_limit_fell_on_the_coarser_grid() -> None:
    band = price_band(Decimal(9_940), "KOSPI", date(2022, 6, 1))
    assert band is not None
    assert band.upper == 12_900


def test_the_band_was_half_as_wide_before_june_2015() -> None:
    band = price_band(Decimal(10_000), "KOSDAQ", WIDER_SINCE - timedelta(days=1))
    assert band is not None
    assert (band.lower, band.upper) == (8_500, 11_500)
    band = price_band(Decimal(10_000), "KOSDAQ", WIDER_SINCE)
    assert band is not None
    assert (band.lower, band.upper) == (7_000, 13_000)


def test_the_us_has_no_daily_limits() -> None:
    assert price_band(Decimal(100), "US", NOW) is None


def test_a_base_of_one_won_has_no_room_to_move() -> None:
    band = price_band(Decimal(1), "KOSPI", NOW)
    assert band is not None
    assert (band.lower, band.upper) == (1, 1)


@given(
    base=st.integers(1, 2_000_000),
    board=st.sampled_from(["KOSPI", "KOSDAQ"]),
    kind=st.sampled_from(["stock", "etf"]),
    on=st.dates(date(2000, 1, 1), date(2027, 12, 31)),
)
def test_both_limits_lie_on_the_grid_around_the_base(base: int, board: str, kind: str, on: date) -> None:
    band = price_band(Decimal(base), board, on, kind)
    assert band is not None
    assert is_on_grid(band.lower, board, kind, on)
    assert band.upper == 0 or is_on_grid(band.upper, board, kind, on)
    assert band.upper - base <= base * Decimal("0.3")
    assert band.lower > 0

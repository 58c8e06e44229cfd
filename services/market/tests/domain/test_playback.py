"""Playing a day back: the path, the grid, the band, and that it is always the same."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from market.domain.instrument import Bar, Instrument
from market.domain.playback import TICKS_MIN, Playback, prepare, quote_at
from market.domain.quote import Quote
from quant.markets.ticks import ceil_to_tick, floor_to_tick, is_on_grid

DAY = date(2024, 12, 16)
SAMSUNG = Instrument("005930", "KRX", "KOSPI", "stock", "KRW", "삼성전자", DAY, DAY, "raw")
APPLE = Instrument("AAPL", "US", "US", "stock", "USD", "Apple", DAY, DAY, "raw")


def a_bar(prices: str, *, volume: int = 1_000, day: date = DAY) -> Bar:
    """A bar from "open high low close"."""
    opened, high, low, close = (Decimal(price) for price in prices.split())
    return Bar(day, opened, high, low, close, volume, halted=False)


def play(playback: Playback) -> list[Quote]:
    return [quote_at(playback, tick, "regular", "2026-11-20T01:02:03.456Z") for tick in range(playback.ticks)]


def is_sound(quote: Quote) -> bool:
    """On the grid, one tick apart, inside the band."""
    board, kind, day = quote.board, quote.kind, quote.trading_date
    grid = is_on_grid(quote.bid, board, kind, day) and is_on_grid(quote.ask, board, kind, day)
    middle = (quote.bid + quote.ask) / 2
    neighbours = (
        floor_to_tick(middle, board, kind, day) == quote.bid and ceil_to_tick(middle, board, kind, day) == quote.ask
    )
    inside = quote.lower_limit is None or (
        quote.upper_limit is not None and quote.lower_limit <= quote.bid and quote.ask <= quote.upper_limit
    )
    return grid and neighbours and inside and quote.bid > 0


@pytest.mark.parametrize(
    ("prices", "corners"),
    [
        ("56000 56600 55600 56300", ["56000", "55600", "56600", "56300"]),
        ("56300 56600 55600 55600", ["56300", "56600", "55600", "55600"]),
    ],
)
def test_a_rising_day_goes_down_first_and_a_falling_day_up_first(prices: str, corners: list[str]) -> None:
    quotes = play(prepare(SAMSUNG, a_bar(prices), Decimal(56100), 31))

    assert [str(quotes[tick].price) for tick in (0, 10, 20, 30)] == corners


@pytest.mark.parametrize("ticks", [4, 5, 6, 7, 100])
def test_every_number_of_ticks_prints_open_high_low_and_close_and_all_volume(ticks: int) -> None:
    bar = a_bar("56300 56600 55600 55700", volume=12_345)

    quotes = play(prepare(SAMSUNG, bar, Decimal(56100), ticks))

    prices = [quote.price for quote in quotes]
    assert (prices[0], max(prices), min(prices), prices[-1]) == (bar.open, bar.high, bar.low, bar.close)
    last = quotes[-1]
    assert (last.open, last.high, last.low, last.volume) == (bar.open, bar.high, bar.low, bar.volume)
    assert [quote.volume for quote in quotes] == sorted(quote.volume for quote in quotes)


def test_the_same_bar_gives_the_same_quotes() -> None:
    def once() -> list[Quote]:
        return play(prepare(SAMSUNG, a_bar("56300 56600 55600 55600"), Decimal(56100), 50))

    assert once() == once()


def test_a_quote_carries_change_band_and_names() -> None:
    quote = play(prepare(SAMSUNG, a_bar("56300 56600 55600 55600", volume=8_000), Decimal(56100), 4))[-1]

    assert (quote.name, quote.base_price, quote.change, quote.change_percent) == (
        "삼성전자",
        Decimal(56100),
        Decimal(-500),
        Decimal("-0.89"),
    )
    assert (quote.lower_limit, quote.upper_limit) == (Decimal(39300), Decimal(72900))
    assert (quote.bid, quote.ask) == (Decimal(55500), Decimal(55600))
    assert quote.bid_size == quote.ask_size == Decimal(2000)


def test_at_the_upper_limit_the_ask_is_the_limit_and_at_the_lower_the_bid() -> None:
    top = play(prepare(SAMSUNG, a_bar("31500 31500 31500 31500"), Decimal(24250), 4))[0]
    bottom = play(prepare(SAMSUNG, a_bar("17000 17000 17000 17000"), Decimal(24250), 4))[0]

    assert (top.bid, top.ask, top.upper_limit) == (Decimal(31450), Decimal(31500), Decimal(31500))
    assert (bottom.bid, bottom.ask, bottom.lower_limit) == (Decimal(17000), Decimal(17010), Decimal(17000))


def test_a_day_that_its_previous_close_cannot_explain_takes_its_open_as_base() -> None:
    split = prepare(SAMSUNG, a_bar("53000 53900 51800 51900"), Decimal(2_650_000), 4)
    wild = prepare(SAMSUNG, a_bar("10000 40000 10000 40000"), None, 4)

    assert (split.base_price, split.band is not None) == (Decimal(53000), True)
    assert (wild.base_price, wild.band) == (Decimal(10000), None)


def test_a_stock_of_the_united_states_has_no_band_and_ticks_in_cents() -> None:
    quotes = play(prepare(APPLE, a_bar("247.99 251.38 247.65 251.04"), Decimal("248.13"), 20))

    assert all(is_sound(quote) for quote in quotes)
    assert quotes[0].upper_limit is None
    assert quotes[-1].ask - quotes[-1].bid == Decimal("0.01")


def test_a_price_so_low_that_its_band_is_one_price_wide_is_played_without_band() -> None:
    quote = play(prepare(SAMSUNG, a_bar("3 3 3 3"), Decimal(3), 4))[0]

    assert (quote.bid, quote.ask, quote.upper_limit) == (Decimal(2), Decimal(3), None)


def test_a_halted_day_cannot_be_played() -> None:
    halted = Bar(DAY, Decimal(0), Decimal(0), Decimal(0), Decimal(53000), 0, halted=True)

    with pytest.raises(ValueError, match="did not trade"):
        prepare(SAMSUNG, halted, None, 10)


@given(
    corners=st.lists(st.integers(1, 2_000_000), min_size=4, max_size=4),
    ticks=st.integers(TICKS_MIN, 60),
    board=st.sampled_from(["KOSPI", "KOSDAQ", "US"]),
    kind=st.sampled_from(["stock", "etf"]),
)
def test_any_day_at_any_pace_gives_sound_quotes(corners: list[int], ticks: int, board: str, kind: str) -> None:
    scale = 1000 if board == "US" else 1
    low, first, second, high = (Decimal(price) / scale for price in sorted(corners))
    bar = Bar(DAY, first, high, low, second, 7, halted=False)
    market = "US" if board == "US" else "KRX"
    instrument = replace(SAMSUNG, board=board, kind=kind, market=market)

    quotes = play(prepare(instrument, bar, first, ticks))

    assert all(is_sound(quote) for quote in quotes)
    assert all(low <= quote.price <= high for quote in quotes)


def test_real_days_give_sound_quotes(real_data: Path) -> None:
    frame = pl.read_csv(real_data / "005930.csv").filter(pl.col("Open") > 0).tail(250)
    previous = None
    for day, *prices, volume, _change in frame.iter_rows():
        opened, high, low, close = map(Decimal, prices)
        bar = Bar(date.fromisoformat(day), opened, high, low, close, volume, halted=False)
        playback = prepare(SAMSUNG, bar, previous, 13)
        assert playback.band is not None
        assert previous is None or playback.base_price == previous
        assert all(is_sound(quote) for quote in play(playback))
        previous = bar.close

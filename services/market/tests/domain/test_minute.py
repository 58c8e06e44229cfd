"""Minutes: what a tick does to them, and when they end."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st
from market.domain.minute import GRACE, Roller, Tick, start_of

NINE = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)


def tick(seconds: float, price: int, total: int, symbol: str = "005930") -> Tick:
    return Tick(symbol, "KRX", Decimal(price), total, NINE + timedelta(seconds=seconds), "test")


def test_ticks_of_one_minute_become_one_bar() -> None:
    roller = Roller()
    for one in (tick(1, 100, 10), tick(20, 105, 15), tick(40, 95, 15), tick(59, 101, 30)):
        forming, ended = roller.take(one)
        assert ended is None
    assert (forming.open, forming.high, forming.low, forming.close) == (100, 105, 95, 101)
    assert (forming.volume, forming.start, forming.closed) == (20, "2026-11-20T00:00:00Z", False)


def test_the_first_tick_of_the_next_minute_ends_the_last_one_and_counts_from_its_volume() -> None:
    roller = Roller()
    roller.take(tick(1, 100, 10))
    roller.take(tick(50, 101, 25))
    forming, ended = roller.take(tick(61, 99, 32))
    assert ended is not None
    assert (ended.closed, ended.close, ended.volume) == (True, 101, 15)
    assert (forming.open, forming.volume, forming.start) == (99, 7, "2026-11-20T00:01:00Z")


def test_a_minute_nobody_follows_ends_after_its_grace_and_once() -> None:
    roller = Roller()
    roller.take(tick(1, 100, 10))
    end = NINE + timedelta(minutes=1)
    assert roller.close_due(end + GRACE - timedelta(milliseconds=1)) == []
    assert [minute.closed for minute in roller.close_due(end + GRACE)] == [True]
    assert roller.close_due(end + timedelta(hours=1)) == []


def test_a_late_tick_counts_and_a_repeated_quote_does_not() -> None:
    roller = Roller()
    roller.take(tick(61, 100, 10))
    late, ended = roller.take(tick(59, 90, 12))
    assert (ended, late.low, late.volume, late.start) == (None, 90, 2, "2026-11-20T00:01:00Z")
    same, ended = roller.take(tick(500, 90, 12))
    assert (same, ended) == (late, None)


def test_volume_that_starts_over_is_a_new_day_and_nothing_is_negative() -> None:
    roller = Roller()
    roller.take(tick(1, 100, 5_000))
    forming, _ = roller.take(tick(86_400, 101, 40))
    assert forming.volume == 40


def test_a_successor_goes_on_where_the_last_one_was() -> None:
    first = Roller()
    first.take(tick(1, 100, 10))
    forming, _ = first.take(tick(20, 104, 30))
    second = Roller([forming])
    forming, _ = second.take(tick(40, 102, 35))
    assert (forming.open, forming.high, forming.close, forming.volume) == (100, 104, 102, 25)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(1, 200), st.integers(0, 50)), min_size=1, max_size=60))
def test_no_volume_is_lost_or_counted_twice_and_prices_stay_in_their_bars(steps: list[tuple[int, int, int]]) -> None:
    roller, ended, total, seconds = Roller(), [], 0, 0
    for later, price, traded in steps:
        seconds, total = seconds + later, total + traded
        forming, closed = roller.take(tick(seconds, price, total))
        ended += [] if closed is None else [closed]
    bars = [*ended, forming] if not forming.closed else ended
    assert sum(bar.volume for bar in bars) == total - steps[0][2]
    assert all(bar.low <= bar.open <= bar.high and bar.low <= bar.close <= bar.high for bar in bars)
    assert [bar.start for bar in bars] == sorted({bar.start for bar in bars})
    assert start_of(NINE) == "2026-11-20T00:00:00Z"

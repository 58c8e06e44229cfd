"""Bars close together: a longer one with the last of its minutes."""

from datetime import UTC, datetime, timedelta

from quant.markets.intervals import closed_by, closed_with

TEN = datetime(2024, 12, 16, 1, tzinfo=UTC)


def test_a_longer_bar_closes_with_its_last_minute() -> None:
    minute = datetime(2024, 12, 16, 1, 4, tzinfo=UTC)
    assert closed_by("5m", minute) == TEN
    assert closed_by("5m", minute - timedelta(minutes=1)) is None
    assert closed_by("1h", datetime(2024, 12, 16, 1, 59, tzinfo=UTC)) == TEN


def test_the_last_minute_of_an_hour_closes_four_bars_and_a_day_closes_alone() -> None:
    last = TEN + timedelta(minutes=59)
    assert closed_with("1m", last) == {
        "1m": last,
        "5m": TEN + timedelta(minutes=55),
        "15m": TEN + timedelta(minutes=45),
        "1h": TEN,
    }
    assert closed_with("1m", TEN) == {"1m": TEN}
    assert closed_with("1d", TEN) == {"1d": TEN}

"""Sessions and hours of both markets, against the published exceptions, a second package and recorded trading days."""

import csv
import warnings
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quant.markets import closures
from quant.markets.calendar import (
    add_sessions,
    is_session,
    next_session,
    previous_session,
    session_hours,
    sessions_between,
)

SEOUL = ZoneInfo("Asia/Seoul")
DAYS = st.dates(date(1999, 3, 1), date(2028, 10, 31))
MARKETS = st.sampled_from(["KRX", "US"])


def seoul_hours(day: date) -> tuple[str, str]:
    hours = session_hours("KRX", day)
    return hours.open.astimezone(SEOUL).strftime("%H:%M"), hours.close.astimezone(SEOUL).strftime("%H:%M")


@pytest.mark.parametrize("day", ["2026-06-03", "2026-07-17", "2027-05-03", "2027-07-19", "2024-10-01", "2025-01-27"])
def test_korea_is_closed_on_the_holidays_that_came_late(day: str) -> None:
    assert not is_session("KRX", date.fromisoformat(day))


@pytest.mark.parametrize(("year", "count"), [(2024, 244), (2025, 242), (2026, 244), (2027, 245)])
def test_the_number_of_korean_sessions_a_year_is_the_exchanges(year: int, count: int) -> None:
    assert len(sessions_between("KRX", date(year, 1, 1), date(year, 12, 31))) == count


@pytest.mark.parametrize(
    "day",
    ["2018-11-15", "2021-11-18", "2022-11-17", "2023-11-16", "2024-11-14", "2025-11-13", "2026-11-19"],
)
def test_korea_runs_an_hour_late_on_the_day_of_the_entrance_examination(day: str) -> None:
    assert seoul_hours(date.fromisoformat(day)) == ("10:00", "16:30")


def test_korea_opens_at_ten_on_the_first_session_of_a_year() -> None:
    assert seoul_hours(date(2026, 1, 2)) == ("10:00", "15:30")
    assert seoul_hours(date(2026, 1, 5)) == ("09:00", "15:30")


def test_korea_closed_at_three_until_july_2016() -> None:
    assert seoul_hours(date(2016, 7, 29)) == ("09:00", "15:00")
    assert seoul_hours(date(2016, 8, 1)) == ("09:00", "15:30")


def test_new_york_follows_daylight_saving_and_early_closes() -> None:
    summer, winter = session_hours("US", date(2026, 7, 1)), session_hours("US", date(2026, 12, 1))
    assert (summer.open.hour, winter.open.hour) == (13, 14)
    assert session_hours("US", date(2026, 11, 27)).close == datetime(2026, 11, 27, 18, tzinfo=UTC)


def test_a_session_is_half_open() -> None:
    hours = session_hours("KRX", date(2026, 11, 20))
    assert hours.contains(hours.open)
    assert hours.contains(hours.close - timedelta(microseconds=1))
    assert not hours.contains(hours.close)


def test_closed_days_have_no_hours_and_no_zeroth_session() -> None:
    for question in (lambda day: session_hours("KRX", day), lambda day: add_sessions("KRX", day, 0)):
        with pytest.raises(ValueError, match="not a session"):
            question(date(2026, 7, 17))


@pytest.mark.parametrize("day", [date(1998, 12, 31), date(2029, 1, 1)])
def test_a_day_outside_the_tables_is_refused_rather_than_guessed(day: date) -> None:
    for question in (is_session, next_session, previous_session, session_hours):
        with pytest.raises(ValueError, match="calendar covers"):
            question("KRX", day)
    with pytest.raises(ValueError, match="calendar ends"):
        next_session("KRX", date(2028, 12, 31))


def test_an_unknown_market_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown market"):
        is_session("LSE", date(2026, 1, 5))


@given(market=MARKETS, day=DAYS, count=st.integers(1, 30))
def test_adding_and_taking_away_sessions_cancel_out(market: str, day: date, count: int) -> None:
    start = next_session(market, day)
    assert add_sessions(market, add_sessions(market, start, count), -count) == start
    assert previous_session(market, next_session(market, start)) == start
    assert sessions_between(market, start, add_sessions(market, start, count))[-1] == add_sessions(market, start, count)


@pytest.mark.parametrize(("market", "name"), [("KRX", "XKRX"), ("US", "XNYS")])
def test_every_day_agrees_with_exchange_calendars_but_for_the_corrections(market: str, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calendars = pytest.importorskip("exchange_calendars")
        schedule = calendars.get_calendar(name, start="1999-01-01", end="2028-12-31").schedule.loc[:"2027"]
    corrections = {date.fromisoformat(day) for day in closures.KRX_CORRECTIONS} if market == "KRX" else set()
    theirs = {moment.date() for moment in schedule.index} - corrections
    assert set(sessions_between(market, date(1999, 1, 1), date(2027, 12, 31))) == theirs
    late = {date.fromisoformat(day) for day in closures.KRX_EXAM_DAYS if day > "2020-12-31"} | {date(2000, 1, 4)}
    for day, opening, close in zip(schedule.index, schedule["open"], schedule["close"], strict=True):
        if day.date() in theirs and not (market == "KRX" and day.date() in late):
            hours = session_hours(market, day.date())
            assert (hours.open, hours.close) == (opening, close), day


def test_the_korean_table_agrees_with_the_corrected_reference(reference_data: Path) -> None:
    with (reference_data / "calendar" / "xkrx_2024_2027.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            day = date.fromisoformat(row["date"])
            assert is_session("KRX", day) == (row["status"] == "open"), day
            if row["status"] == "open":
                assert seoul_hours(day) == (row["regular_open"], row["regular_close"])


def test_every_recorded_trading_day_is_a_session(reference_data: Path) -> None:
    for path in sorted((reference_data / "kr_index" / "ks11").glob("*.csv")):
        if int(path.stem) < 1999:
            continue
        with path.open(encoding="utf-8-sig") as file:
            days = [date.fromisoformat(next(iter(row.values()))[:10]) for row in csv.DictReader(file)]
        assert days
        assert [day for day in days if not is_session("KRX", day)] == []
        assert sessions_between("KRX", min(days), max(days)) == tuple(sorted(days))

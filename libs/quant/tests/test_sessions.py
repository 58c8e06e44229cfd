"""Windows and order kinds by venue and date: the exchange's tables, its special days, and recorded calendars."""

import csv
from datetime import date, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quant.markets.calendar import is_session
from quant.markets.sessions import Session, order_is_allowed, session_at, sessions_of

SEOUL, NEW_YORK = ZoneInfo("Asia/Seoul"), ZoneInfo("America/New_York")
NORMAL, EXAM, FIRST = "2026-11-20", "2026-11-19", "2026-01-02"


def at(venue: str, moment: str) -> Session:
    market = "US" if venue == "US" else "KRX"
    zone = NEW_YORK if venue == "US" else SEOUL
    return session_at(market, venue, datetime.fromisoformat(moment).replace(tzinfo=zone))


@pytest.mark.parametrize(
    ("venue", "moment", "phase"),
    [
        ("KRX", f"{NORMAL}T08:29:59", "closed"),
        ("KRX", f"{NORMAL}T08:30", "opening_auction"),
        ("KRX", f"{NORMAL}T08:59:59", "opening_auction"),
        ("KRX", f"{NORMAL}T09:00", "continuous"),
        ("KRX", f"{NORMAL}T15:20", "closing_auction"),
        ("KRX", f"{NORMAL}T15:30", "close_price"),
        ("KRX", f"{NORMAL}T16:00", "after_market"),
        ("KRX", f"{NORMAL}T19:59:59", "after_market"),
        ("KRX", f"{NORMAL}T20:00", "closed"),
        ("KRX", "2026-09-11T17:00", "single_price"),
        ("KRX", "2026-09-11T18:00", "closed"),
        ("KRX", "2026-09-14T18:00", "after_market"),
        ("KRX", "2025-03-03T08:25", "closed"),
        ("KRX", "2025-02-28T08:25", "opening_auction"),
        ("KRX", "2025-03-04T08:25", "closed"),
        ("KRX", "2026-07-17T10:00", "closed"),
        ("KRX", "2016-07-29T14:55", "closing_auction"),
        ("KRX", f"{EXAM}T09:29:59", "closed"),
        ("KRX", f"{EXAM}T09:30", "opening_auction"),
        ("KRX", f"{EXAM}T15:25", "continuous"),
        ("KRX", f"{EXAM}T16:20", "closing_auction"),
        ("KRX", f"{EXAM}T16:30", "close_price"),
        ("KRX", f"{EXAM}T17:00", "after_market"),
        ("KRX", f"{EXAM}T20:00", "closed"),
        ("KRX", f"{FIRST}T09:15", "closed"),
        ("KRX", f"{FIRST}T09:45", "opening_auction"),
        ("KRX", f"{FIRST}T15:25", "closing_auction"),
        ("NXT", "2025-02-28T10:00", "closed"),
        ("NXT", f"{NORMAL}T08:00", "pre_market"),
        ("NXT", f"{NORMAL}T08:50", "halted"),
        ("NXT", f"{NORMAL}T09:00:29", "halted"),
        ("NXT", f"{NORMAL}T09:00:30", "continuous"),
        ("NXT", f"{NORMAL}T15:20", "halted"),
        ("NXT", f"{NORMAL}T15:30", "after_auction"),
        ("NXT", f"{NORMAL}T15:40", "after_market"),
        ("NXT", f"{NORMAL}T20:00", "closed"),
        ("NXT", f"{EXAM}T08:30", "closed"),
        ("NXT", f"{EXAM}T10:01", "continuous"),
        ("NXT", f"{EXAM}T16:25", "halted"),
        ("NXT", f"{EXAM}T16:45", "after_market"),
        ("SOR", f"{NORMAL}T08:10", "pre_market"),
        ("SOR", f"{NORMAL}T08:55", "opening_auction"),
        ("SOR", f"{NORMAL}T10:00", "continuous"),
        ("SOR", f"{NORMAL}T15:45", "after_market"),
        ("US", "2026-11-25T03:59", "closed"),
        ("US", "2026-11-25T04:00", "pre_market"),
        ("US", "2026-11-25T09:30", "continuous"),
        ("US", "2026-11-25T16:00", "after_market"),
        ("US", "2026-11-25T20:00", "closed"),
        ("US", "2026-11-27T13:00", "after_market"),
        ("US", "2026-11-26T10:00", "closed"),
    ],
)
def test_the_window_of_a_moment(venue: str, moment: str, phase: str) -> None:
    assert at(venue, moment).phase == phase


ALLOWED = [
    # opening auction: no immediate orders, no best prices
    ("KRX", "08:45", "limit day", True),
    ("KRX", "08:45", "market day", True),
    ("KRX", "08:45", "limit at_open", True),
    ("KRX", "08:45", "limit ioc", False),
    ("KRX", "08:45", "best_opposite day", False),
    ("KRX", "08:45", "limit_to_market_on_close day", True),
    # continuous: everything; limit-to-market-on-close and own-side best never at once
    ("KRX", "10:00", "market ioc", True),
    ("KRX", "10:00", "best_opposite fok", True),
    ("KRX", "10:00", "best_own ioc", False),
    ("KRX", "10:00", "limit_to_market_on_close ioc", False),
    ("KRX", "10:00", "limit at_open", False),
    ("KRX", "10:00", "market at_close", True),
    ("KRX", "10:00", "stop day", True),
    ("KRX", "10:00", "trailing_stop gtc", True),
    ("KRX", "10:00", "stop ioc", False),
    # closing auction
    ("KRX", "15:25", "market day", True),
    ("KRX", "15:25", "limit fok", False),
    ("KRX", "15:25", "midpoint day", False),
    # after the close: the close's price alone, then the after-market without market orders
    ("KRX", "15:45", "limit day", False),
    ("KRX", "15:45", "close_price day", True),
    ("KRX", "17:00", "limit ioc", True),
    ("KRX", "17:00", "market day", False),
    ("KRX", "17:00", "limit gtc", False),
    ("KRX", "21:00", "limit day", False),
    # NXT has no market orders, and is still while KRX holds its auction
    ("NXT", "10:00", "limit fok", True),
    ("NXT", "10:00", "market day", False),
    ("NXT", "15:25", "limit day", False),
    ("NXT", "08:30", "best_own day", True),
    ("SOR", "10:00", "market day", True),
    ("SOR", "08:10", "limit day", True),
    # New York
    ("US", "10:00", "market day", True),
    ("US", "08:00", "market day", False),
    ("US", "08:00", "market at_open", True),
    ("US", "08:00", "limit gtc", True),
    ("US", "17:00", "market day", False),
    ("US", "17:00", "limit day", True),
]


@pytest.mark.parametrize(("venue", "clock", "order", "allowed"), ALLOWED)
def test_which_order_a_window_takes(venue: str, clock: str, order: str, allowed: bool) -> None:
    session = at(venue, f"{NORMAL}T{clock}")
    kind, life = order.split()
    assert order_is_allowed(venue, session, kind, life) is allowed


def test_a_venue_of_another_market_is_refused() -> None:
    with pytest.raises(ValueError, match="no venue of"):
        session_at("US", "KRX", datetime(2026, 11, 20, tzinfo=SEOUL))


def test_the_regular_session_ends_with_the_closing_auction_and_nxt_has_none() -> None:
    assert at("KRX", f"{NORMAL}T15:25").is_regular
    assert not at("KRX", f"{NORMAL}T17:00").is_regular
    assert not at("NXT", f"{NORMAL}T10:00").is_regular
    assert not at("NXT", f"{NORMAL}T15:25").is_open


@given(day=st.dates(date(1999, 2, 1), date(2028, 11, 30)), venue=st.sampled_from(["KRX", "NXT", "US"]))
def test_windows_follow_one_another_without_overlap(day: date, venue: str) -> None:
    market = "US" if venue == "US" else "KRX"
    windows = sessions_of(market, venue, day)
    assert bool(windows) == (is_session(market, day) and not (venue == "NXT" and day < date(2025, 3, 4)))
    for window, after in pairwise(windows):
        assert window.opens_at < window.closes_at <= after.opens_at
    for window in windows:
        assert session_at(market, venue, window.opens_at) == window


def test_after_sessions_agree_with_the_corrected_reference(reference_data: Path) -> None:
    with (reference_data / "calendar" / "xkrx_2024_2027.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["status"] == "open"]
    for row in rows:
        last = sessions_of("KRX", "KRX", date.fromisoformat(row["date"]))[-1]
        expected = "single_price" if row["after_session"].startswith("single-price") else "after_market"
        assert last.phase == expected, row
        start, end = next(word for word in row["after_session"].split() if ":" in word).split("-")
        if "starts later" in row["after_session"]:
            start = row["after_session"].rpartition("~")[2]
        shown = tuple(moment.astimezone(SEOUL).strftime("%H:%M") for moment in (last.opens_at, last.closes_at))
        assert shown == (start[:5], end), row


def test_new_york_agrees_with_the_reference(reference_data: Path) -> None:
    with (reference_data / "calendar" / "xnys_2026_2027.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            windows = sessions_of("US", "US", date.fromisoformat(row["date"]))
            assert bool(windows) == (row["status"] != "closed"), row
            if windows:
                regular = windows[1]
                shown = [m.astimezone(NEW_YORK).strftime("%H:%M") for m in (regular.opens_at, regular.closes_at)]
                assert shown == [row["open_et"], row["close_et"]], row

"""What venues do in a quote's session: never more than their own windows allow, on any day."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quant.markets.sessions import Phase, session_at, sessions_of
from quant.markets.venues import Instrument, Window, is_traded, open_windows, phase_of, takes

SEOUL = ZoneInfo("Asia/Seoul")
DAY = date(2026, 11, 20)
SAMSUNG, FUND = Instrument("KOSPI", "stock", DAY), Instrument("KOSPI", "etf", DAY)


def word(krx: Phase, nxt: Phase) -> str:
    """The session that a feed of both venues names at a moment."""
    words = {"opening_auction": "opening_auction", "continuous": "regular", "closing_auction": "closing_auction"}
    if krx == "close_price":
        return "after_auction" if nxt == "after_auction" else "close_price"
    if krx in words:
        return words[krx]
    return "after_market" if "after_market" in {krx, nxt} else "pre_market" if nxt == "pre_market" else "closed"


DAYS = [DAY, date(2026, 11, 19), date(2026, 1, 2), date(2026, 9, 11), date(2026, 9, 14), date(2025, 3, 4)]


@given(day=st.sampled_from(DAYS), seconds=st.integers(0, 86_399))
def test_no_venue_does_in_a_session_what_its_own_windows_do_not_allow(day: date, seconds: int) -> None:
    moment = datetime(day.year, day.month, day.day, tzinfo=SEOUL) + timedelta(seconds=seconds)
    really = {venue: session_at("KRX", venue, moment).phase for venue in ("KRX", "NXT")}
    said = word(really["KRX"], really["NXT"])
    if really["KRX"] != "single_price":
        assert phase_of("KRX", said, day) == really["KRX"]
    nxt = phase_of("NXT", said, day)
    # in the half minute after KRX has opened, NXT is said to trade already: its broker says no then
    assert nxt in {really["NXT"], "halted", "closed"} or really["KRX"] == "continuous"


def test_a_whole_day_of_nxt_is_reached_by_some_session() -> None:
    phases = {session.phase for session in sessions_of("KRX", "NXT", DAY)}
    words = ["pre_market", "opening_auction", "regular", "closing_auction", "after_auction", "close_price", "closed"]
    assert phases <= {phase_of("NXT", each, DAY) for each in words}


@pytest.mark.parametrize(
    ("venue", "session", "day", "expected"),
    [
        ("KRX", "regular", DAY, ["KRX continuous"]),
        ("KRX", "after_market", DAY, ["KRX after_market"]),
        ("KRX", "after_market", date(2026, 9, 11), []),
        ("KRX", "pre_market", DAY, []),
        ("KRX", "halted", DAY, []),
        ("KRX", "a word of tomorrow", DAY, []),
        ("NXT", "pre_market", DAY, ["NXT pre_market"]),
        ("NXT", "closing_auction", DAY, []),
        ("NXT", "volatility_auction", DAY, []),
        ("NXT", "after_auction", DAY, ["NXT after_auction"]),
        ("NXT", "close_price", DAY, ["NXT after_market"]),
        ("NXT", "regular", date(2025, 3, 3), []),
        ("SOR", "regular", DAY, ["KRX continuous", "NXT continuous"]),
        ("SOR", "pre_market", DAY, ["NXT pre_market"]),
        ("SOR", "opening_auction", DAY, ["KRX opening_auction"]),
        ("US", "regular", DAY, ["US continuous"]),
        ("US", "pre_market", DAY, []),
    ],
)
def test_where_an_order_could_go(venue: str, session: str, day: date, expected: list[str]) -> None:
    assert [f"{each.venue} {each.phase}" for each in open_windows(venue, session, day)] == expected


@pytest.mark.parametrize(
    ("window", "of", "order", "allowed"),
    [
        ("KRX after_market", SAMSUNG, "limit day", True),
        ("KRX after_market", SAMSUNG, "limit fok", True),
        ("KRX after_market", SAMSUNG, "market day", False),
        ("KRX after_market", SAMSUNG, "limit gtc", False),
        ("KRX after_market", FUND, "limit day", False),
        ("KRX continuous", FUND, "market day", True),
        ("KRX close_price", SAMSUNG, "limit day", False),
        ("NXT continuous", SAMSUNG, "limit ioc", True),
        ("NXT continuous", SAMSUNG, "market day", False),
        ("NXT continuous", SAMSUNG, "limit gtc", False),
        ("NXT continuous", SAMSUNG, "stop day", False),
        ("NXT continuous", SAMSUNG, "stop_limit day", True),
        ("NXT after_market", SAMSUNG, "stop_limit day", False),
        ("NXT continuous", FUND, "limit day", False),
        ("NXT continuous", Instrument("KONEX", "stock", DAY), "limit day", False),
        ("NXT after_auction", SAMSUNG, "limit day", True),
        ("NXT after_auction", SAMSUNG, "limit ioc", False),
    ],
)
def test_what_a_window_takes(window: str, of: Instrument, order: str, allowed: bool) -> None:
    venue, phase = window.split()
    assert takes(Window(venue, phase), of, *order.split()) is allowed


def test_funds_trade_neither_at_nxt_nor_after_the_close() -> None:
    assert [is_traded(Window("NXT", "continuous"), FUND), is_traded(Window("KRX", "after_market"), FUND)] == [False] * 2

"""Hours: a broker's orders go only to venues whose part of the day they reach, and the refusal says what to do."""

from datetime import date

import pytest
from broker.adapters.alpaca.capabilities import PAPER as ALPACA
from broker.adapters.kis.capabilities import PAPER as KIS
from broker.adapters.kis.capabilities import REAL as KIS_REAL
from broker.adapters.kiwoom.capabilities import REAL as KIWOOM_REAL
from broker.domain.capabilities import Capabilities
from broker.domain.hours import MarketNow, refuse_out_of_hours

from services.broker.tests.builders import an_order

DAY = date(2026, 11, 2)
TITLE = "Korea Investment & Securities"
LATER, ELSE = "place it again then", "name NXT as its venue, or place it again then"
ALL_DAY = "the pre-market and the regular session and the after-market"
REGULAR = ("opening_auction", "regular", "volatility_auction", "closing_auction")


def refusal(able: Capabilities, session: str, venue: str = "KRX", day: date = DAY) -> str | None:
    market, board = ("US", "US") if able.markets == {"US"} else ("KRX", "KOSPI")
    order = an_order("005930", limit_price="70000", venue=venue, market=market, board=board)
    found = refuse_out_of_hours(able, order, MarketNow(session, day))
    assert found is None or found.code == "market_closed"
    return None if found is None else found.text


@pytest.mark.parametrize("able", [KIS, KIS_REAL, KIWOOM_REAL, ALPACA])
@pytest.mark.parametrize("session", REGULAR)
def test_in_the_regular_session_every_broker_is_sent_orders(able: Capabilities, session: str) -> None:
    assert refusal(able, session) is None


@pytest.mark.parametrize(
    ("venue", "session", "text"),
    [
        ("KRX", "closed", f"KRX is closed now, and {TITLE} takes orders for it in the regular session: {LATER}."),
        ("KRX", "pre_market", f"KRX is closed now, and {TITLE} takes orders for it in the regular session: {ELSE}."),
        (
            "KRX",
            "after_market",
            f"It is the after-market of KRX now, and {TITLE} takes orders for it in the regular session: {ELSE}.",
        ),
        ("NXT", "pre_market", None),
        ("NXT", "after_market", None),
        ("NXT", "closing_auction", None),
        ("SOR", "after_market", None),
        ("SOR", "closed", f"SOR is closed now, and {TITLE} takes orders for it in {ALL_DAY}: {LATER}."),
    ],
)
def test_with_real_money_at_kis_the_windows_around_the_session_are_those_of_nxt(
    venue: str, session: str, text: str | None
) -> None:
    assert refusal(KIS_REAL, session, venue) == text


def test_before_the_after_market_of_krx_began_it_was_closed() -> None:
    text = f"KRX is closed now, and {TITLE} takes orders for it in the regular session: {LATER}."
    assert refusal(KIS, "after_market", day=date(2026, 9, 11)) == text


def test_what_nobody_can_say_is_left_to_the_broker() -> None:
    assert refuse_out_of_hours(KIS, an_order("005930"), None) is None
    assert refusal(KIS, "a session of the future") is None
    assert refusal(KIS, "halted") is None


def test_in_the_united_states_an_order_outside_of_the_session_is_refused() -> None:
    assert refusal(ALPACA, "closed", "US") == (
        "US is closed now, and Alpaca takes orders for it in the regular session: place it again then."
    )

"""Venues and windows in the risk review: what KRX, NXT and SOR take in each session of a quote."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from trading.domain.quote import Quote
from trading.domain.request import Approved, Denied, Reason
from trading.domain.risk import review
from trading.domain.stop import has_expired

from services.trading.tests.builders import a_question, a_quote, a_request, an_order

DAY = date(2026, 11, 20)
MARKET = {"order_type": "market"}
LASTING = {"time_in_force": "gtc"}
CLOSED, KIND = Reason.MARKET_CLOSED, Reason.ORDER_TYPE_NOT_ALLOWED

DENIED: list[tuple[Reason, str, str, dict[str, Any], dict[str, Any]]] = [
    (CLOSED, "KRX", "pre_market", {}, {}),
    (CLOSED, "NXT", "opening_auction", {}, {}),
    (CLOSED, "NXT", "closing_auction", {}, {}),
    (CLOSED, "NXT", "volatility_auction", {}, {}),
    (CLOSED, "NXT", "closed", {"time_in_force": "at_open"}, {}),
    (CLOSED, "NXT", "regular", {}, {"trading_date": date(2025, 3, 3)}),
    (CLOSED, "KRX", "after_market", {}, {"trading_date": date(2026, 9, 11)}),
    (KIND, "KRX", "close_price", {}, {}),
    (KIND, "KRX", "after_market", MARKET, {}),
    (KIND, "KRX", "after_market", LASTING, {}),
    (KIND, "KRX", "after_market", {}, {"kind": "etf"}),
    (KIND, "NXT", "regular", MARKET, {}),
    (KIND, "NXT", "regular", LASTING, {}),
    (KIND, "NXT", "regular", {}, {"kind": "etf"}),
    (KIND, "NXT", "regular", {}, {"board": "KONEX"}),
    (KIND, "NXT", "regular", {"order_type": "stop", "limit_price": None, "stop_price": Decimal(57000)}, {}),
    (KIND, "NXT", "regular", {"stop_loss_price": Decimal(50000)}, {}),
    (KIND, "SOR", "pre_market", MARKET, {}),
]
APPROVED: list[tuple[str, str, dict[str, Any]]] = [
    ("NXT", "pre_market", {}),
    ("SOR", "pre_market", {}),
    ("NXT", "regular", {"time_in_force": "fok"}),
    ("NXT", "regular", {"order_type": "stop_limit", "stop_price": Decimal(56100)}),
    ("NXT", "regular", {"stop_loss_price": Decimal(50000), "stop_loss_limit_price": Decimal(49900)}),
    ("SOR", "regular", MARKET),
    ("SOR", "regular", LASTING),
    ("SOR", "opening_auction", MARKET),
    ("NXT", "after_auction", {}),
    ("SOR", "after_auction", {}),
    ("NXT", "close_price", {}),
    ("KRX", "after_market", {"time_in_force": "ioc"}),
    ("NXT", "after_market", {}),
]


def quoted(session: str, **changes: Any) -> Quote:
    return a_quote(**{"session": session, "trading_date": DAY} | changes)


@pytest.mark.parametrize(("reason", "venue", "session", "terms", "changes"), DENIED)
def test_a_venue_refuses_what_it_does_not_take(
    reason: Reason, venue: str, session: str, terms: dict[str, Any], changes: dict[str, Any]
) -> None:
    verdict = review(a_question(request=a_request(venue=venue, **terms), latest=quoted(session, **changes)))
    assert isinstance(verdict, Denied)
    assert verdict.reason is reason, verdict.detail


@pytest.mark.parametrize(("venue", "session", "terms"), APPROVED)
def test_a_venue_takes_what_its_window_takes(venue: str, session: str, terms: dict[str, Any]) -> None:
    assert isinstance(review(a_question(request=a_request(venue=venue, **terms), latest=quoted(session))), Approved)


@pytest.mark.parametrize(
    ("session", "over"),
    [
        ("pre_market", False),
        ("regular", False),
        ("closing_auction", False),
        ("halted", False),
        ("after_auction", True),
        ("close_price", True),
        ("after_market", True),
        ("closed", True),
    ],
)
def test_a_stop_for_the_day_waits_until_the_regular_session_is_over(session: str, over: bool) -> None:
    stop = an_order(order_type="stop", limit_price=None, stop_price=Decimal(57000))
    assert has_expired(stop, a_quote(session=session)) is over

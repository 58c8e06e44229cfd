"""Every bound against every state of the market and every size: nothing is let through that any of them forbids."""

from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from trading.domain.halt import HaltMode
from trading.domain.limits import Limits
from trading.domain.request import Approved, Denied, OrderRequest, Reason
from trading.domain.risk import review

from services.trading.tests.builders import (
    NOW,
    a_question,
    a_quote,
    a_request,
    a_standing,
    an_account,
    limits,
)

STALE = timedelta(seconds=5, microseconds=1)
SHAPES: dict[str, dict[str, Any]] = {
    f"{side} {order_type} {life}": {
        "side": side,
        "order_type": order_type,
        "time_in_force": life,
        "limit_price": None if order_type in {"market", "stop"} else Decimal(56_100),
        "stop_price": Decimal(56_000) if order_type.startswith("stop") else None,
    }
    for side, order_type, life in product(
        ("buy", "sell"), ("market", "limit", "stop", "stop_limit"), ("day", "gtc", "ioc", "fok", "at_close")
    )
    if not (order_type.startswith("stop") and life in {"ioc", "fok", "at_close"})
}
"""Every kind of order that is taken in the regular session."""

STATES: dict[str, tuple[dict[str, Any], set[Reason]]] = {
    "no quote": ({"latest": None}, {Reason.STALE_QUOTE}),
    "a stale quote": ({"latest": a_quote(published_at=NOW - STALE)}, {Reason.STALE_QUOTE}),
    "a quote from the future": ({"latest": a_quote(published_at=NOW + timedelta(seconds=6))}, {Reason.STALE_QUOTE}),
    "closed": ({"latest": a_quote(session="closed")}, {Reason.MARKET_CLOSED}),
    "halted": ({"latest": a_quote(session="halted")}, {Reason.MARKET_CLOSED}),
    "a session of no known name": ({"latest": a_quote(session="?")}, {Reason.MARKET_CLOSED}),
    "the account halted": ({"account": an_account(trading_halted=True)}, {Reason.TRADING_HALTED}),
    "a switch thrown": ({"standing": a_standing(halt=HaltMode.HALTED)}, {Reason.TRADING_HALTED}),
    "a live account": ({"account": an_account(kind="live")}, {Reason.LIVE_NOT_PERMITTED}),
    "a restricted symbol": ({"limits": limits(restricted_symbols=frozenset({"005930"}))}, {Reason.RESTRICTED_SYMBOL}),
    "no limit on anything, and no cash and no shares": (
        {"standing": a_standing(available=Decimal(0), sellable=Decimal(0))},
        {Reason.INSUFFICIENT_CASH, Reason.INSUFFICIENT_SHARES},
    ),
}

TICK, SHARE, WON = Decimal(100), Decimal(1), Decimal(1)
AT: list[tuple[str, Reason, Any]] = [  # a bound, as something that makes the question by how far it is exceeded
    ("quantity", Reason.FAT_FINGER_QUANTITY, lambda over: {"limits": limits(quantity_max=Decimal(10) - over)}),
    (
        "value",
        Reason.FAT_FINGER_VALUE,
        lambda over: {"limits": limits(value_max={"KRW": Decimal(561_000) - over, "USD": WON})},
    ),
    ("upper band", Reason.PRICE_OUTSIDE_BAND, lambda over: {"request": a_request(limit_price=71_500 + over * TICK)}),
    ("lower band", Reason.PRICE_OUTSIDE_BAND, lambda over: {"request": a_request(limit_price=38_500 - over * 50)}),
    ("tick", Reason.PRICE_OFF_TICK, lambda over: {"request": a_request(limit_price=56_100 + over)}),
    ("lot", Reason.QUANTITY_OFF_LOT, lambda over: {"request": a_request(quantity=10 - over / 2)}),
    ("open orders", Reason.OPEN_ORDER_LIMIT, lambda over: {"standing": a_standing(open_orders=99 + int(over))}),
    (
        "open value",
        Reason.OPEN_ORDER_LIMIT,
        lambda over: {"limits": limits(open_value_max=Decimal(600_000)), "standing": open_value(39_000 + over)},
    ),
    ("messages a second", Reason.RATE_LIMIT, lambda over: {"standing": a_standing(orders_last_second=999 + int(over))}),
    ("a duplicate", Reason.DUPLICATE_ORDER, lambda over: {"standing": a_standing(is_duplicate=bool(over))}),
    (
        "trades a day",
        Reason.DAILY_TRADE_LIMIT,
        lambda over: {"limits": limits(daily_trades_max=3), "standing": a_standing(trades_today=2 + int(over))},
    ),
    (
        "loss of the day",
        Reason.DAILY_LOSS_LIMIT,
        lambda over: {"limits": limits(daily_loss_max=Decimal(100)), "standing": a_standing(realized_today=-99 - over)},
    ),
    ("cash", Reason.INSUFFICIENT_CASH, lambda over: {"standing": a_standing(available=Decimal(561_084) - over)}),
    (
        "age of the quote",
        Reason.STALE_QUOTE,
        lambda over: {"latest": a_quote(published_at=NOW - timedelta(seconds=5, microseconds=int(over)))},
    ),
]


def open_value(value: Decimal | int) -> Any:
    return a_standing(open_value=Decimal(value))


def shaped(name: str) -> OrderRequest:
    return a_request(**SHAPES[name])


@pytest.mark.requirement("R-8")
@pytest.mark.parametrize("name", SHAPES)
def test_every_kind_of_order_is_taken_when_nothing_forbids_it(name: str) -> None:
    assert isinstance(review(a_question(request=shaped(name))), Approved)


@pytest.mark.requirement("R-8")
@pytest.mark.parametrize(("state", "name"), list(product(STATES, SHAPES)))
def test_no_kind_of_order_passes_in_a_state_that_forbids_trading(state: str, name: str) -> None:
    changes, reasons = STATES[state]
    verdict = review(a_question(request=shaped(name), **changes))
    assert isinstance(verdict, Denied)
    assert verdict.reason in reasons


@pytest.mark.requirement("R-8")
@pytest.mark.parametrize(("bound", "reason", "question"), AT, ids=[row[0] for row in AT])
def test_at_the_bound_it_passes_and_a_step_beyond_it_is_refused(bound: str, reason: Reason, question: Any) -> None:
    assert isinstance(review(a_question(**question(Decimal(0)))), Approved), f"exactly at the bound of {bound}"
    beyond = review(a_question(**question(Decimal(1))))
    assert isinstance(beyond, Denied)
    assert beyond.reason is reason


@pytest.mark.requirement("R-8")
@pytest.mark.parametrize("row", AT, ids=[row[0] for row in AT])
@pytest.mark.parametrize("state", STATES)
def test_a_bound_that_is_kept_opens_no_state_that_forbids_trading(state: str, row: tuple[str, Reason, Any]) -> None:
    """Where both are about the same part of the question, the state's is asked."""
    at_the_bound = row[2](Decimal(0))
    assert isinstance(review(a_question(**at_the_bound | STATES[state][0])), Denied)


def test_the_table_has_every_bound_there_is() -> None:
    """A new limit that nobody put into a table here fails."""
    tried = {"quantity_max", "value_max", "open_orders_max", "orders_per_second_max", "duplicate_window"}
    tried |= {"numbered_duplicate_window", "open_value_max", "daily_trades_max", "daily_loss_max", "quote_age_max"}
    elsewhere = {"price_distance_max", "position_value_max", "position_weight_max", "leverage_max", "clock_skew_max"}
    elsewhere |= {"restricted_symbols", "live_permitted", "live_allowed", "person_trades_max"}  # test_risk has them
    elsewhere |= {"spanning"}  # over several accounts: test_spanning_limits
    assert {bound.name for bound in fields(Limits)} == tried | elsewhere

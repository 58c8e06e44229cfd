"""The risk review, as the table it is: what is asked, and the reason of the first refusal."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from trading.domain.halt import HaltMode
from trading.domain.order import Status, submit
from trading.domain.request import Approved, Denied, OrderRequest, Reason
from trading.domain.risk import CHECKS, review

from services.trading.tests.builders import (
    NOW,
    a_question,
    a_quote,
    a_request,
    a_standing,
    a_us_quote,
    an_account,
    limits,
)

US = {"symbol": "AAPL", "market": "US", "venue": "US", "currency": "USD"}
ENOUGH = Decimal(561_084)
LIVE: dict[str, Any] = {"account": an_account(kind="live"), "limits": limits(live_allowed=True)}
PERMITTED = a_standing(live_permitted=True)
SALE = a_request(side="sell")
SKEW_TOO_MUCH = timedelta(seconds=10, microseconds=1)
UNMEASURED: list[tuple[str, Any, Reason]] = [  # a limit that is set, and nothing known to measure it by
    ("open_value_max", Decimal(10**12), Reason.OPEN_ORDER_LIMIT),
    ("daily_trades_max", 10**6, Reason.DAILY_TRADE_LIMIT),
    ("person_trades_max", 10**6, Reason.DAILY_TRADE_LIMIT),
    ("daily_loss_max", Decimal(10**12), Reason.DAILY_LOSS_LIMIT),
    ("position_weight_max", Decimal(100), Reason.POSITION_LIMIT),
    ("leverage_max", Decimal(100), Reason.POSITION_LIMIT),
]


def a_stop(**changes: Any) -> OrderRequest:
    terms = {"order_type": "stop", "limit_price": None, "stop_price": Decimal(57000)}
    return a_request(**(terms | changes))


DENIALS: list[tuple[Reason, str, dict[str, Any]]] = [
    (Reason.TRADING_HALTED, "the account is halted", {"account": an_account(trading_halted=True)}),
    (
        Reason.LIVE_NOT_PERMITTED,
        "real money while the operator's switch is off",
        {"account": an_account(kind="live"), "standing": PERMITTED},
    ),
    (
        Reason.LIVE_NOT_PERMITTED,
        "a sale for real money while the operator's switch is off",
        {"account": an_account(kind="live"), "standing": PERMITTED, "request": SALE},
    ),
    (Reason.LIVE_NOT_PERMITTED, "real money of somebody of whom auth has said nothing", LIVE),
    (
        Reason.LIVE_NOT_PERMITTED,
        "real money by a token that does not say so",
        {**LIVE, "standing": PERMITTED, "limits": limits(live_allowed=True, live_permitted=False)},
    ),
    (
        Reason.CLOCK_WRONG,
        "real money by a clock that is 10 s slow",
        {**LIVE, "standing": a_standing(live_permitted=True, database_time=NOW + SKEW_TOO_MUCH)},
    ),
    (
        Reason.CLOCK_WRONG,
        "real money by a clock that is 10 s fast",
        {**LIVE, "standing": a_standing(live_permitted=True, database_time=NOW - SKEW_TOO_MUCH)},
    ),
    (
        Reason.CLOCK_WRONG,
        "real money, and nobody knows the time",
        {**LIVE, "standing": a_standing(live_permitted=True, database_time=None)},
    ),
    (
        Reason.ORDER_TYPE_NOT_ALLOWED,
        "at the opening, when it has opened",
        {"request": a_request(time_in_force="at_open")},
    ),
    (
        Reason.ORDER_TYPE_NOT_ALLOWED,
        "at once, in an auction",
        {"request": a_request(time_in_force="ioc"), "latest": a_quote(session="opening_auction")},
    ),
    (Reason.TRADING_HALTED, "a switch is thrown", {"standing": a_standing(halt=HaltMode.HALTED)}),
    (Reason.TRADING_HALTED, "a buy when only sales are taken", {"standing": a_standing(halt=HaltMode.REDUCE_ONLY)}),
    (Reason.RESTRICTED_SYMBOL, "on the owner's list", {"limits": limits(restricted_symbols=frozenset({"005930"}))}),
    (Reason.RATE_LIMIT, "the second's last was taken", {"standing": a_standing(orders_last_second=1_000)}),
    (Reason.DUPLICATE_ORDER, "the same came a moment ago", {"standing": a_standing(is_duplicate=True)}),
    (
        Reason.ORDER_TYPE_NOT_ALLOWED,
        "a stop that cannot wait",
        {"request": a_stop(time_in_force="ioc")},
    ),
    (
        Reason.ORDER_TYPE_NOT_ALLOWED,
        "a market sale with a stop loss",
        {"request": a_request(side="sell", order_type="market", stop_loss_price=Decimal(50000))},
    ),
    (
        Reason.ORDER_TYPE_NOT_ALLOWED,
        "a sale that takes profit",
        {"request": a_request(side="sell", take_profit_price=Decimal(60000))},
    ),
    (Reason.PRICE_OFF_TICK, "a stop between two ticks", {"request": a_stop(stop_price=Decimal(56050))}),
    (Reason.PRICE_OUTSIDE_BAND, "a stop above the band", {"request": a_stop(stop_price=Decimal(71600))}),
    (Reason.PRICE_OUTSIDE_BAND, "an exit below it", {"request": a_request(stop_loss_price=Decimal(38450))}),
    *[(reason, name, {"limits": limits(**{name: value})}) for name, value, reason in UNMEASURED],
    (
        Reason.OPEN_ORDER_LIMIT,
        "a won too much is open",
        {"limits": limits(open_value_max=Decimal(600_000)), "standing": a_standing(open_value=Decimal(39_001))},
    ),
    (
        Reason.DAILY_TRADE_LIMIT,
        "the day's last was taken",
        {"limits": limits(daily_trades_max=3), "standing": a_standing(trades_today=3)},
    ),
    (
        Reason.DAILY_TRADE_LIMIT,
        "the day's last of all accounts was taken",
        {"limits": limits(person_trades_max=3), "standing": a_standing(person_trades_today=3)},
    ),
    (
        Reason.DAILY_LOSS_LIMIT,
        "the day's loss is reached",
        {"limits": limits(daily_loss_max=Decimal(1_000)), "standing": a_standing(realized_today=Decimal(-1_000))},
    ),
    (
        Reason.POSITION_LIMIT,
        "a share too many in one position",
        {"limits": limits(position_value_max=Decimal(561_000)), "standing": a_standing(quantity=Decimal(1))},
    ),
    *[
        (
            Reason.POSITION_LIMIT,
            f"{name} is set, and what is being bought is not known",
            {"limits": limits(**{name: most}), "standing": a_standing(equity=Decimal(1), being_bought=None)},
        )
        for name, most in (("position_value_max", Decimal(10**12)), ("position_weight_max", Decimal(10**12)))
    ],
    (
        Reason.POSITION_LIMIT,
        "a won too much with the buys that are open",
        {
            "limits": limits(position_value_max=Decimal(600_000)),
            "standing": a_standing(being_bought=Decimal(39_001)),
        },
    ),
    (
        Reason.POSITION_LIMIT,
        "a won more than half of everything",
        {"limits": limits(position_weight_max=Decimal("0.5")), "standing": a_standing(equity=Decimal(1_121_999))},
    ),
    (
        Reason.POSITION_LIMIT,
        "a won more than there is",
        {
            "limits": limits(leverage_max=Decimal(1)),
            "standing": a_standing(equity=Decimal(1_000_000), invested=Decimal(400_000), open_value=Decimal(39_001)),
        },
    ),
    (Reason.STALE_QUOTE, "no quote", {"latest": None}),
    (Reason.STALE_QUOTE, "an old one", {"latest": a_quote(published_at=NOW - timedelta(seconds=5, microseconds=1))}),
    (Reason.STALE_QUOTE, "one from the future", {"latest": a_quote(published_at=NOW + timedelta(seconds=6))}),
    (Reason.MARKET_CLOSED, "after hours", {"latest": a_quote(session="closed")}),
    (Reason.QUANTITY_OFF_LOT, "half a share", {"request": a_request(quantity=Decimal("10.5"))}),
    (Reason.FAT_FINGER_QUANTITY, "one too many", {"limits": limits(quantity_max=Decimal(9))}),
    (Reason.PRICE_OFF_TICK, "fifty won at 56,150", {"request": a_request(limit_price=Decimal(56150))}),
    (Reason.PRICE_OUTSIDE_BAND, "a tick above", {"request": a_request(limit_price=Decimal(71600))}),
    (Reason.PRICE_OUTSIDE_BAND, "a tick below", {"request": a_request(limit_price=Decimal(38450))}),
    (
        Reason.FAT_FINGER_VALUE,
        "a won too much",
        {"limits": limits(value_max={"KRW": Decimal(560_999), "USD": Decimal(1)})},
    ),
    (
        Reason.PRICE_TOO_FAR,
        "a US buy at twice the price",
        {"request": a_request(**US, limit_price=Decimal(400)), "latest": a_us_quote()},
    ),
    (
        Reason.PRICE_TOO_FAR,
        "a US sale at a quarter",
        {"request": a_request(**US, side="sell", limit_price=Decimal(50)), "latest": a_us_quote()},
    ),
    (Reason.OPEN_ORDER_LIMIT, "one too many open", {"standing": a_standing(open_orders=100)}),
    (Reason.INSUFFICIENT_CASH, "a won short", {"standing": a_standing(available=ENOUGH - 1)}),
    (
        Reason.INSUFFICIENT_CASH,
        "enough at the last price, not at the upper limit",
        {"request": a_request(order_type="market"), "standing": a_standing(available=Decimal(715_106))},
    ),
    (
        Reason.INSUFFICIENT_SHARES,
        "a share short",
        {"request": a_request(side="sell"), "standing": a_standing(sellable=Decimal(9))},
    ),
]
APPROVALS: list[tuple[str, dict[str, Any]]] = [
    ("a limit buy", {}),
    ("a stop", {"request": a_stop()}),
    ("good till canceled", {"request": a_request(time_in_force="gtc")}),
    (
        "at the opening, while the market is closed",
        {"request": a_request(time_in_force="at_open"), "latest": a_quote(session="closed")},
    ),
    ("a limit in the opening auction", {"latest": a_quote(session="opening_auction")}),
    ("at the close", {"request": a_request(time_in_force="at_close")}),
    ("a limit while volatility is interrupted", {"latest": a_quote(session="volatility_auction")}),
    (
        "real money by a clock that is just right enough",
        {**LIVE, "standing": a_standing(live_permitted=True, database_time=NOW + timedelta(seconds=10))},
    ),
    ("paper money by a clock that is an hour wrong", {"standing": a_standing(database_time=NOW + timedelta(hours=1))}),
    ("live, with switch and permission", {**LIVE, "standing": PERMITTED}),
    ("a live position that is sold by somebody who may not buy any more", {**LIVE, "request": SALE}),
    (
        "a sale when only sales are taken",
        {"request": a_request(side="sell"), "standing": a_standing(halt=HaltMode.REDUCE_ONLY)},
    ),
    (
        "a sale at the day's loss limit",
        {
            "request": a_request(side="sell"),
            "limits": limits(daily_loss_max=Decimal(1_000)),
            "standing": a_standing(realized_today=Decimal(-1_000)),
        },
    ),
    ("the second's last message", {"standing": a_standing(orders_last_second=999)}),
    (
        "exactly at every limit",
        {
            "limits": limits(
                quantity_max=Decimal(10),
                value_max={"KRW": Decimal(561_000), "USD": Decimal(1)},
                daily_trades_max=3,
                person_trades_max=3,
                daily_loss_max=Decimal(1_000),
                open_value_max=Decimal(600_000),
                position_value_max=Decimal(617_100),
                position_weight_max=Decimal("0.5"),
                leverage_max=Decimal(1),
            ),
            "standing": a_standing(
                trades_today=2,
                person_trades_today=2,
                realized_today=Decimal(-999),
                open_value=Decimal(39_000),
                quantity=Decimal(1),
                equity=Decimal(1_234_200),
                invested=Decimal(634_200),
            ),
        },
    ),
    ("with exactly the cash", {"standing": a_standing(available=ENOUGH)}),
    ("a market buy reserved at the upper limit", {"request": a_request(order_type="market")}),
    ("at the upper limit", {"request": a_request(limit_price=Decimal(71500))}),
    ("far below the market", {"request": a_request(limit_price=Decimal(38500))}),
    ("a quote just young enough", {"latest": a_quote(published_at=NOW - timedelta(seconds=5))}),
    ("the last open order", {"standing": a_standing(open_orders=99)}),
    ("without a bound on the distance", {"limits": limits(price_distance_max=None)}),
    (
        "a sale of everything, without any cash",
        {
            "request": a_request(side="sell"),
            "standing": a_standing(available=Decimal(0), sellable=Decimal(10)),
        },
    ),
    ("immediate or cancel", {"request": a_request(time_in_force="ioc")}),
    ("a US limit to the cent", {"request": a_request(**US, limit_price=Decimal("199.99")), "latest": a_us_quote()}),
]


@pytest.mark.requirement("R-8")
@pytest.mark.parametrize(("reason", "because", "changes"), DENIALS, ids=[f"{row[0]}: {row[1]}" for row in DENIALS])
def test_it_is_denied(reason: Reason, because: str, changes: dict[str, Any]) -> None:
    verdict = review(a_question(**changes))
    assert isinstance(verdict, Denied), because
    assert verdict.reason is reason
    assert verdict.detail.endswith(".")


@pytest.mark.requirement("R-8")
@pytest.mark.parametrize(("what", "changes"), APPROVALS, ids=[row[0] for row in APPROVALS])
def test_it_is_approved(what: str, changes: dict[str, Any]) -> None:
    assert isinstance(review(a_question(**changes)), Approved), what


def test_every_reason_is_given_by_some_check() -> None:
    assert {reason for reason, _, _ in DENIALS} == set(Reason)


def test_the_first_refusal_is_the_answer() -> None:
    verdict = review(a_question(account=an_account(trading_halted=True), latest=None))
    assert isinstance(verdict, Denied)
    assert verdict.reason is Reason.TRADING_HALTED
    assert len({check.__name__ for check in CHECKS}) == len(CHECKS)


def test_a_buy_holds_its_value_and_fee_at_its_limit() -> None:
    verdict = review(a_question())
    assert isinstance(verdict, Approved)
    assert (verdict.hold.price, verdict.hold.amount) == (56_100, ENOUGH)
    order = submit(verdict, NOW)
    assert (order.status, order.held, order.board) == (Status.SUBMITTED, ENOUGH, "KOSPI")


@pytest.mark.requirement("R-20")
def test_a_market_buy_holds_the_upper_limit_in_korea_and_a_margin_in_the_us() -> None:
    korean = review(a_question(request=a_request(order_type="market")))
    american = review(a_question(request=a_request(**US, order_type="market"), latest=a_us_quote()))
    assert isinstance(korean, Approved)
    assert isinstance(american, Approved)
    assert korean.hold.amount == 715_000 + 107
    assert american.hold.amount == 10 * 200 * Decimal("1.05")


@given(
    cash=st.decimals(0, 2_000_000, places=0),
    quantity=st.integers(1, 40),
    price=st.integers(385, 715).map(lambda hundreds: hundreds * 100),
)
def test_an_approved_buy_never_holds_more_than_there_is(cash: Decimal, quantity: int, price: int) -> None:
    request = a_request(quantity=Decimal(quantity), limit_price=Decimal(price))
    verdict = review(a_question(request=request, standing=a_standing(available=cash)))
    if isinstance(verdict, Approved):
        assert verdict.hold.amount <= cash
    else:
        assert verdict.reason is Reason.INSUFFICIENT_CASH

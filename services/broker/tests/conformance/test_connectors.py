"""The conformance suite: what every connector must do. Its capabilities decide which cases apply to it."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from broker.adapters.balance import BuyingPower
from broker.adapters.catalogue import CATALOGUE
from broker.adapters.port import NotSent, Unreachable
from broker.domain.order import (
    Absent,
    Accepted,
    CancelRefused,
    Ended,
    OrderIntent,
    Refused,
)

from services.broker.tests.conformance.asking import found, sent, shares, traded
from services.broker.tests.conformance.cases import case
from services.broker.tests.conformance.venues import VENUES, EmulatorVenue, Venue, news, take_news

TRADED_ON = date(2024, 12, 16)


async def assert_never_placed(venue: Venue, order: OrderIntent, code: str) -> None:
    """A no that the broker's codes make certain, with our reason or its own; or a doubt that the absence ends."""
    try:
        answer = await venue.connector.submit(order, order.key)
    except Unreachable:
        assert code not in venue.reasons
        assert await found(venue, order) == Absent()
        return
    assert isinstance(answer, Refused)
    assert answer.code == code if code in venue.reasons else answer.code == "rejected_by_broker"
    assert answer.text, "the broker's own words are kept"


def test_bc_01_every_connector_publishes_its_capabilities_and_has_a_venue_here() -> None:
    paper = [able for able in CATALOGUE if able.environment == "paper"]
    assert {able.broker for able in paper} == set(VENUES)
    assert all(VENUES[able.broker][0] is able for able in paper)


@case(real=True)
async def test_bc_02_a_marketable_order_is_accepted_and_trades_at_the_price_shown(venue: Venue) -> None:
    order, answer = await sent(venue)
    after = await found(venue, order)
    assert shares(after) == (10, 10 * venue.price("70100"))
    assert isinstance(after, Accepted)
    assert (after.broker_order_id, after.ended) == (answer.broker_order_id, None)


@case(lambda able: able.absence_is_certain)
@pytest.mark.requirement("R-2")
async def test_bc_03_the_same_key_again_gives_the_same_order_and_no_second_one(venue: Venue) -> None:
    order, first = await sent(venue, limit_price="69900")
    await venue.quotes(bid="69900")
    again = await venue.connector.submit(order, order.key)
    assert isinstance(again, Accepted)
    assert again.broker_order_id == first.broker_order_id
    await venue.quotes(bid="69800", ask="69900", ask_size="15")
    assert await traded(venue, order) == 10


@case(lambda able: able.absence_is_certain)
@pytest.mark.requirement("R-2")
async def test_bc_04_the_same_key_at_the_same_time_makes_one_order(venue: Venue) -> None:
    order = venue.order(limit_price="69900")
    answers = await asyncio.gather(*(venue.connector.submit(order, order.key) for _ in range(4)))
    assert len({answer.broker_order_id for answer in answers if isinstance(answer, Accepted)}) == 1
    assert all(isinstance(answer, Accepted) for answer in answers)


@case()
async def test_bc_05_an_order_is_found_under_the_name_it_was_answered_with(venue: Venue) -> None:
    order, answer = await sent(venue, limit_price="69900")
    assert await found(venue, order) == answer


@case()
async def test_bc_06_an_order_that_was_never_sent_is_absent(venue: Venue) -> None:
    assert await found(venue, venue.order()) == Absent()


IMPOSSIBLE = [
    ({"limit_price": "91100"}, "price_outside_band"),
    ({"limit_price": "48900"}, "price_outside_band"),
    ({"limit_price": "70050"}, "price_off_tick"),
    ({"quantity": "0.5"}, "quantity_off_lot"),
]


@case(lambda able: "KRX" in able.markets)
@pytest.mark.parametrize(("changes", "code"), IMPOSSIBLE)
async def test_bc_07_an_impossible_order_is_never_placed(venue: Venue, changes: dict[str, Any], code: str) -> None:
    await assert_never_placed(venue, venue.order(**changes), code)


@case(lambda able: able.answers_with_trades)
async def test_bc_08_a_refused_key_stays_refused(venue: Venue) -> None:
    await venue.closes()
    order = venue.order()
    refused = await venue.connector.submit(order, order.key)
    assert isinstance(refused, Refused)
    assert refused.code == "market_closed"
    await venue.quotes()
    assert await venue.connector.submit(order, order.key) == refused
    assert await found(venue, order) == refused


@case()
async def test_bc_09_a_symbol_the_broker_does_not_know_is_never_placed(venue: Venue) -> None:
    await venue.loses_the_market()
    for _ in range(2):
        await assert_never_placed(venue, venue.order(), "unknown_symbol")


@case(lambda able: "KRX" in able.markets)
async def test_bc_10_both_ends_of_the_band_are_allowed(venue: Venue) -> None:
    for limit, side in (("91000", "buy"), ("49000", "sell")):
        order, _ = await sent(venue, limit_price=limit, side=side)
        assert await traded(venue, order) == 10


@case()
async def test_bc_11_an_order_trades_only_what_the_market_shows_and_the_rest_waits(venue: Venue) -> None:
    await venue.quotes(ask_size="4")
    order, _ = await sent(venue)
    seen = [await traded(venue, order)]
    for size in ("5", "420"):
        await venue.quotes(ask_size=size)
        seen.append(await traded(venue, order))
    assert seen == [4, 9, 10]


@case()
async def test_bc_12_shares_shown_once_are_sold_once(venue: Venue) -> None:
    await venue.quotes(ask_size="15")
    orders = [(await sent(venue))[0] for _ in range(3)]
    assert [await traded(venue, order) for order in orders] == [10, 5, 0]


@case()
async def test_bc_13_the_better_price_is_served_first_then_the_earlier_order(venue: Venue) -> None:
    early, _ = await sent(venue, limit_price="69900")
    generous, _ = await sent(venue, limit_price="70000")
    late, _ = await sent(venue, limit_price="69900")
    await venue.quotes(bid="69800", ask="69900", ask_size="15")
    assert [await traded(venue, order) for order in (generous, early, late)] == [10, 5, 0]


@case()
async def test_bc_14_a_resting_limit_order_trades_at_its_own_price(venue: Venue) -> None:
    order, _ = await sent(venue, limit_price="69900")
    await venue.quotes(bid="69000", ask="69100")
    assert shares(await found(venue, order)) == (10, 10 * venue.price("69900"))


@case(lambda able: "ioc" in able.times_in_force)
async def test_bc_15_an_order_that_may_not_wait_is_canceled_with_what_is_left(venue: Venue) -> None:
    await venue.quotes(ask_size="4")
    order, _ = await sent(venue, limit_price="70100", time_in_force="ioc")
    answer = await found(venue, order)
    assert isinstance(answer, Accepted)
    assert (shares(answer)[0], answer.ended) == (4, Ended("canceled", Decimal(6)))


@case(lambda able: "fok" in able.times_in_force)
async def test_bc_16_an_order_for_all_or_nothing_gets_nothing_when_all_is_too_much(venue: Venue) -> None:
    await venue.quotes(ask_size="4")
    too_much, _ = await sent(venue, limit_price="70100", time_in_force="fok")
    nothing = await found(venue, too_much)
    assert isinstance(nothing, Accepted)
    assert (shares(nothing)[0], nothing.ended) == (0, Ended("canceled", Decimal(10)))
    enough, _ = await sent(venue, limit_price="70100", time_in_force="fok", quantity="4")
    everything = await found(venue, enough)
    assert isinstance(everything, Accepted)
    assert (shares(everything)[0], everything.ended) == (4, None)


@case(lambda able: able.can_cancel, real=True)
async def test_bc_17_what_is_open_can_be_canceled_and_asking_twice_gives_the_same_answer(venue: Venue) -> None:
    await venue.quotes(ask_size="4")
    order, answer = await sent(venue)
    first = await venue.connector.cancel(order, order.key, answer.broker_order_id)
    assert isinstance(first, Accepted)
    assert (shares(first)[0], first.ended) == (4, Ended("canceled", Decimal(6)))
    assert await venue.connector.cancel(order, order.key, answer.broker_order_id) == first
    await venue.quotes()
    assert await found(venue, order) == first, "a canceled order trades no more"


@case(lambda able: able.can_cancel)
async def test_bc_18_what_is_filled_cannot_be_canceled(venue: Venue) -> None:
    order, answer = await sent(venue)
    refusal = await venue.connector.cancel(order, order.key, answer.broker_order_id)
    assert isinstance(refusal, CancelRefused)
    assert refusal.code == "already_filled"


@case(lambda able: able.can_cancel)
async def test_bc_19_an_order_the_broker_never_saw_cannot_be_canceled(venue: Venue) -> None:
    order = venue.order()
    refusal = await venue.connector.cancel(order, order.key, "none")
    assert isinstance(refusal, CancelRefused)
    assert refusal.code == "order_not_found"


@case(lambda able: able.tells_expiry)
async def test_bc_20_a_day_order_expires_with_its_day_and_cannot_be_canceled_then(venue: Venue) -> None:
    order, taken = await sent(venue, limit_price="69900")
    await venue.closes()
    answer = await found(venue, order)
    assert isinstance(answer, Accepted)
    assert (shares(answer)[0], answer.ended) == (0, Ended("expired", Decimal(10)))
    refusal = await venue.connector.cancel(order, order.key, taken.broker_order_id)
    assert isinstance(refusal, CancelRefused)
    assert refusal.code == "already_expired"


@case(lambda able: able.reports_executions)
@pytest.mark.requirement("R-6")
async def test_bc_21_news_is_told_until_it_is_taken_and_then_no_more(venue: Venue) -> None:
    order, _ = await sent(venue, limit_price="69900")
    if not venue.able.answers_with_trades:
        await take_news(venue)  # that the order is there
    await venue.quotes(bid="69800", ask="69900", ask_size="3")
    assert await news(venue) == await news(venue)
    [report] = await take_news(venue)
    assert report.key == order.key
    assert shares(report.news)[0] == 3
    with pytest.raises(TimeoutError):
        await news(venue)


@case(lambda able: able.answers_with_trades)
async def test_bc_22_what_was_answered_at_once_is_no_news(venue: Venue) -> None:
    await sent(venue)
    with pytest.raises(TimeoutError):
        await news(venue)


@case()
@pytest.mark.requirement("R-2", "R-23")
async def test_bc_23_a_restart_loses_nothing(venue: Venue) -> None:
    await venue.quotes(ask_size="4")
    order, _ = await sent(venue, limit_price="70100")
    before = await found(venue, order)
    await venue.restarts()
    assert await found(venue, order) == before
    await venue.quotes(ask_size="100")
    assert await traded(venue, order) == 10
    [report] = await news(venue)
    assert (report.key, shares(report.news)[0]) == (order.key, 10)


@case(real=True)
@pytest.mark.requirement("R-3")
async def test_bc_24_what_cannot_leave_is_certainly_not_sent(venue: Venue) -> None:
    order = venue.order()
    assert await found(venue, order) == Absent()
    with pytest.raises(NotSent):
        await venue.cut_off().submit(order, order.key)
    assert await found(venue, order) == Absent()


@case(lambda able: able.tells_costs)
@pytest.mark.parametrize(
    ("trading_date", "tax"),
    [("2024-12-26", "1260"), ("2024-12-27", "1050"), ("2025-12-26", "1050"), ("2025-12-29", "1400")],
)
async def test_bc_25_a_sale_pays_the_tax_of_its_settlement_day(venue: Venue, trading_date: str, tax: str) -> None:
    await venue.quotes(trading_date=trading_date)
    _, answer = await sent(venue, side="sell")
    [execution] = answer.executions
    assert (execution.fee, execution.tax) == (Decimal(105), Decimal(tax))


@case(lambda able: able.tells_costs)
async def test_bc_26_funds_pay_no_tax_on_a_sale(venue: Venue) -> None:
    await venue.quotes(kind="etf")
    _, answer = await sent(venue, side="sell", kind="etf")
    assert [execution.tax for execution in answer.executions] == [Decimal(0)]


@case(lambda able: able.tells_costs)
async def test_bc_27_an_execution_says_when_it_settles(venue: Venue) -> None:
    _, answer = await sent(venue)
    [execution] = answer.executions
    assert (execution.trade_date, execution.settlement_date) == (TRADED_ON, TRADED_ON + timedelta(days=2))


@case()
async def test_bc_28_an_order_that_arrives_waits_behind_those_that_wait_already(venue: Venue) -> None:
    await venue.quotes(ask_size="4")
    waiting, _ = await sent(venue, quantity="10")
    await venue.quotes(ask="70200", ask_size="8")
    late, _ = await sent(venue)
    assert (await traded(venue, waiting), await traded(venue, late)) == (10, 2)


@case(lambda able: not able.answers_with_trades)  # the simulator counts no cash: trading holds it before
@pytest.mark.parametrize(
    ("changes", "code"),
    [({"side": "sell"}, "insufficient_shares"), ({"quantity": "900000"}, "insufficient_cash")],
)
async def test_bc_32_more_than_the_account_has_is_never_placed(
    venue: Venue, changes: dict[str, Any], code: str
) -> None:
    await assert_never_placed(venue, venue.order(limit_price="70000", **changes), code)


@case(lambda able: not able.books_are_ours)
async def test_bc_49_what_may_be_spent_is_what_no_open_order_needs(venue: Venue) -> None:
    assert isinstance(venue, EmulatorVenue)
    symbol, price = venue.emulated.kind.symbol, venue.price("70000")
    before = await venue.connector.buying_power(symbol, price)
    await sent(venue, limit_price="69900")
    after = await venue.connector.buying_power(symbol, price)
    assert isinstance(before, BuyingPower)
    assert isinstance(after, BuyingPower)
    assert before.amount - after.amount == 10 * venue.price("69900")
    assert after.quantity == after.amount // price

"""The conformance suite: what every connector must do. Its capabilities decide which cases apply to it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio
from broker.adapters.catalogue import CATALOGUE
from broker.adapters.port import NotSent
from broker.domain.order import Absent, Accepted, CancelRefused, Ended, OrderIntent, Refused
from kit.clock import now
from kit.db import Database
from redis.asyncio import Redis

from services.broker.tests.builders import an_order
from services.broker.tests.conformance.venues import VENUES, Venue, news, take_news

TRADED_ON = date(2024, 12, 16)


@pytest_asyncio.fixture(params=sorted(VENUES))
async def venue(request: pytest.FixtureRequest, database: Database, redis: "Redis") -> AsyncIterator[Venue]:
    async with VENUES[request.param](database, redis) as opened:
        await opened.quotes()
        yield opened


async def sent(venue: Venue, **changes: Any) -> tuple[OrderIntent, Accepted]:
    order = an_order(venue.symbol, **changes)
    answer = await venue.connector.submit(order, order.key)
    assert isinstance(answer, Accepted), answer
    return order, answer


async def found(venue: Venue, order: OrderIntent) -> Accepted | Refused | Absent:
    return await venue.connector.find(order, order.key, now() - timedelta(seconds=1))


def only_if(applies: bool) -> None:
    if not applies:
        pytest.skip("beyond this broker's capabilities")


def quantities(answer: Accepted | Refused | Absent) -> list[str]:
    assert isinstance(answer, Accepted), answer
    return [str(execution.quantity) for execution in answer.executions]


def test_bc_01_every_connector_publishes_its_capabilities_and_has_a_venue_here() -> None:
    assert {able.broker for able in CATALOGUE} == set(VENUES)


async def test_bc_02_a_marketable_order_is_accepted_with_what_it_traded(venue: Venue) -> None:
    _, answer = await sent(venue)
    [execution] = answer.executions
    assert (execution.price, execution.quantity) == (Decimal(70100), Decimal(10))
    assert answer.ended is None


@pytest.mark.requirement("R-2")
async def test_bc_03_the_same_key_again_gives_the_same_answer_and_no_second_order(venue: Venue) -> None:
    only_if(venue.connector.capabilities.absence_is_certain)
    order, first = await sent(venue)
    await venue.quotes(ask="70200")
    assert await venue.connector.submit(order, order.key) == first


@pytest.mark.requirement("R-2")
async def test_bc_04_the_same_key_at_the_same_time_makes_one_order(venue: Venue) -> None:
    only_if(venue.connector.capabilities.absence_is_certain)
    order = an_order(venue.symbol)
    answers = await asyncio.gather(*(venue.connector.submit(order, order.key) for _ in range(4)))
    assert all(answer == answers[0] for answer in answers)


async def test_bc_05_an_order_is_found_as_it_was_answered(venue: Venue) -> None:
    order, answer = await sent(venue)
    assert await found(venue, order) == answer


async def test_bc_06_an_order_that_was_never_sent_is_absent(venue: Venue) -> None:
    assert await found(venue, an_order(venue.symbol)) == Absent()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"limit_price": "70050"}, "price_off_tick"),
        ({"limit_price": "91100"}, "price_outside_band"),
        ({"limit_price": "48950"}, "price_outside_band"),
        ({"quantity": "0.5"}, "quantity_off_lot"),
    ],
)
async def test_bc_07_an_impossible_order_is_refused_with_a_reason(
    venue: Venue, changes: dict[str, Any], code: str
) -> None:
    order = an_order(venue.symbol, **changes)
    answer = await venue.connector.submit(order, order.key)
    assert isinstance(answer, Refused)
    assert answer.code == code


async def test_bc_08_a_refused_key_stays_refused(venue: Venue) -> None:
    only_if(venue.connector.capabilities.absence_is_certain)
    await venue.quotes(session="closed")
    order = an_order(venue.symbol)
    refused = await venue.connector.submit(order, order.key)
    assert isinstance(refused, Refused)
    assert refused.code == "market_closed"
    await venue.quotes()
    assert await venue.connector.submit(order, order.key) == refused
    assert await found(venue, order) == refused


async def test_bc_09_a_symbol_without_a_price_is_unknown(venue: Venue) -> None:
    await venue.loses_the_market()
    order = an_order(venue.symbol)
    for _ in range(2):
        answer = await venue.connector.submit(order, order.key)
        assert isinstance(answer, Refused)
        assert answer.code == "unknown_symbol"


async def test_bc_10_both_ends_of_the_band_are_allowed(venue: Venue) -> None:
    for limit, side in (("91000", "buy"), ("49000", "sell")):
        _, answer = await sent(venue, limit_price=limit, side=side)
        assert quantities(answer) == ["10"]


async def test_bc_11_an_order_trades_only_what_the_market_shows_and_the_rest_waits(venue: Venue) -> None:
    await venue.quotes(ask_size="4")
    order, answer = await sent(venue)
    assert quantities(answer) == ["4"]
    await venue.quotes(ask_size="5")
    assert quantities(await found(venue, order)) == ["4", "5"]
    await venue.quotes()
    assert quantities(await found(venue, order)) == ["4", "5", "1"]


async def test_bc_12_shares_shown_once_are_sold_once(venue: Venue) -> None:
    await venue.quotes(ask_size="15")
    _, first = await sent(venue)
    _, second = await sent(venue)
    _, third = await sent(venue)
    assert [quantities(answer) for answer in (first, second, third)] == [["10"], ["5"], []]


async def test_bc_13_the_better_price_is_served_first_then_the_earlier_order(venue: Venue) -> None:
    early, _ = await sent(venue, limit_price="69900")
    generous, _ = await sent(venue, limit_price="70000")
    late, _ = await sent(venue, limit_price="69900")
    await venue.quotes(bid="69800", ask="69900", ask_size="15")
    assert [quantities(await found(venue, order)) for order in (generous, early, late)] == [["10"], ["5"], []]


async def test_bc_14_a_resting_limit_order_trades_at_its_own_price(venue: Venue) -> None:
    order, _ = await sent(venue, limit_price="69900")
    await venue.quotes(bid="69000", ask="69100")
    answer = await found(venue, order)
    assert isinstance(answer, Accepted)
    assert [execution.price for execution in answer.executions] == [Decimal(69900)]


async def test_bc_15_an_order_that_may_not_wait_is_canceled_with_what_is_left(venue: Venue) -> None:
    only_if("ioc" in venue.connector.capabilities.times_in_force)
    await venue.quotes(ask_size="4")
    _, answer = await sent(venue, time_in_force="ioc")
    assert quantities(answer) == ["4"]
    assert answer.ended == Ended("canceled", Decimal(6))


async def test_bc_16_an_order_for_all_or_nothing_gets_nothing_when_all_is_too_much(venue: Venue) -> None:
    only_if("fok" in venue.connector.capabilities.times_in_force)
    await venue.quotes(ask_size="4")
    _, nothing = await sent(venue, time_in_force="fok")
    assert (quantities(nothing), nothing.ended) == ([], Ended("canceled", Decimal(10)))
    _, everything = await sent(venue, time_in_force="fok", quantity="4")
    assert (quantities(everything), everything.ended) == (["4"], None)


async def test_bc_17_what_is_open_can_be_canceled_and_asking_twice_gives_the_same_answer(venue: Venue) -> None:
    only_if(venue.connector.capabilities.can_cancel)
    await venue.quotes(ask_size="4")
    order, answer = await sent(venue)
    first = await venue.connector.cancel(order, order.key, answer.broker_order_id)
    assert isinstance(first, Accepted)
    assert (quantities(first), first.ended) == (["4"], Ended("canceled", Decimal(6)))
    assert await venue.connector.cancel(order, order.key, answer.broker_order_id) == first
    await venue.quotes()
    assert await found(venue, order) == first, "a canceled order trades no more"


@pytest.mark.parametrize(
    ("ended_by", "code"), [({"ask_size": "100"}, "already_filled"), ({"session": "closed"}, "already_expired")]
)
async def test_bc_18_what_is_over_cannot_be_canceled(venue: Venue, ended_by: dict[str, str], code: str) -> None:
    only_if(venue.connector.capabilities.can_cancel)
    await venue.quotes(ask_size="4")
    order, answer = await sent(venue)
    await venue.quotes(**ended_by)
    refusal = await venue.connector.cancel(order, order.key, answer.broker_order_id)
    assert isinstance(refusal, CancelRefused)
    assert refusal.code == code


async def test_bc_19_an_order_the_broker_never_saw_cannot_be_canceled(venue: Venue) -> None:
    only_if(venue.connector.capabilities.can_cancel)
    order = an_order(venue.symbol)
    refusal = await venue.connector.cancel(order, order.key, "none")
    assert isinstance(refusal, CancelRefused)
    assert refusal.code == "order_not_found"


@pytest.mark.parametrize("change", [{"session": "closed"}, {"trading_date": "2024-12-17"}])
async def test_bc_20_a_day_order_expires_with_its_day(venue: Venue, change: dict[str, str]) -> None:
    order, _ = await sent(venue, limit_price="69900")
    await venue.quotes(ask="69900", bid="69800", **change)
    answer = await found(venue, order)
    assert isinstance(answer, Accepted)
    assert (answer.executions, answer.ended) == ((), Ended("expired", Decimal(10)))


@pytest.mark.requirement("R-6")
async def test_bc_21_news_is_told_until_it_is_taken_and_then_no_more(venue: Venue) -> None:
    only_if(venue.connector.capabilities.reports_executions)
    order, _ = await sent(venue, limit_price="69900")
    await venue.quotes(bid="69800", ask="69900", ask_size="3")
    assert await news(venue) == await news(venue)
    [report] = await take_news(venue)
    assert report.key == order.key
    assert quantities(report.news) == ["3"]
    with pytest.raises(TimeoutError):
        await news(venue)


async def test_bc_22_an_answer_that_was_given_at_once_is_no_news(venue: Venue) -> None:
    only_if(venue.connector.capabilities.reports_executions)
    await sent(venue)
    with pytest.raises(TimeoutError):
        await news(venue)


@pytest.mark.requirement("R-2", "R-23")
async def test_bc_23_a_restart_loses_nothing(venue: Venue) -> None:
    await venue.quotes(ask_size="4")
    order, before = await sent(venue, limit_price="70100")
    await venue.restarts()
    assert await found(venue, order) == before
    assert await venue.connector.submit(order, order.key) == before
    await venue.quotes(ask_size="100")
    assert quantities(await found(venue, order)) == ["4", "6"]
    [report] = await news(venue)
    assert quantities(report.news) == ["4", "6"]


@pytest.mark.requirement("R-3")
async def test_bc_24_what_cannot_leave_is_certainly_not_sent(venue: Venue) -> None:
    order = an_order(venue.symbol)
    with pytest.raises(NotSent):
        await venue.cut_off().submit(order, order.key)
    assert await found(venue, order) == Absent()


@pytest.mark.parametrize(
    ("trading_date", "tax"),
    [("2024-12-26", "1260"), ("2024-12-27", "1050"), ("2025-12-26", "1050"), ("2025-12-29", "1400")],
)
async def test_bc_25_a_sale_pays_the_tax_of_its_settlement_day(venue: Venue, trading_date: str, tax: str) -> None:
    await venue.quotes(trading_date=trading_date)
    _, answer = await sent(venue, side="sell")
    [execution] = answer.executions
    assert (execution.fee, execution.tax) == (Decimal(105), Decimal(tax))


async def test_bc_26_funds_pay_no_tax_on_a_sale(venue: Venue) -> None:
    await venue.quotes(kind="etf")
    _, answer = await sent(venue, side="sell", kind="etf")
    assert [execution.tax for execution in answer.executions] == [Decimal(0)]


async def test_bc_27_an_execution_says_when_it_settles(venue: Venue) -> None:
    _, answer = await sent(venue)
    [execution] = answer.executions
    assert (execution.trade_date, execution.settlement_date) == (TRADED_ON, TRADED_ON + timedelta(days=2))


async def test_bc_28_an_order_that_arrives_waits_behind_those_that_wait_already(venue: Venue) -> None:
    await venue.quotes(ask_size="4")
    waiting, _ = await sent(venue, quantity="10")
    await venue.quotes(ask="70200", ask_size="8")
    _, late = await sent(venue)
    assert quantities(await found(venue, waiting)) == ["4", "6"]
    assert quantities(late) == ["2"]

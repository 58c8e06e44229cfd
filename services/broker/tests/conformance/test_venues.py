"""The conformance suite goes on: orders for KRX, for NXT, and for the better of the two."""

import json
from decimal import Decimal

import pytest
from broker.adapters.port import Unreachable
from broker.config import Settings
from broker.domain.capabilities import refuse_beyond
from broker.domain.order import Accepted, Ended, Refused, Replaced, Replacement
from kit.db import Database
from kit.ids import new_id
from quant.matching import Outside
from redis.asyncio import Redis

from services.broker.tests.builders import a_symbol
from services.broker.tests.conformance.asking import found, sent, shares, traded
from services.broker.tests.conformance.cases import case
from services.broker.tests.conformance.venues import EmulatorVenue, Venue
from services.broker.tests.remote import RemoteFloor

LETTERS = str.maketrans("0123456789", "ghijklmnop")
BOTH_TRADE = {"trading_date": "2026-11-20"}
"""A day on which KRX and NXT trade, for those who go by the day of the quote."""


@case(lambda able: "NXT" in able.venues, real=True)
@pytest.mark.requirement("R-7")
async def test_bc_43_an_order_for_nxt_is_changed_filled_and_canceled_there(venue: Venue) -> None:
    await venue.quotes(**BOTH_TRADE)
    order, answer = await sent(venue, limit_price="69900", venue="NXT")
    change = Replacement(new_id(), Decimal(10), venue.price("69800"))
    changed = await venue.connector.replace(order, order.key, answer.broker_order_id, change)
    assert isinstance(changed, Replaced)
    await venue.quotes(**BOTH_TRADE, bid="69700", ask="69800", ask_size="4")
    assert shares(await found(venue, order)) == (4, 4 * venue.price("69800"))
    ended = await venue.connector.cancel(order, order.key, answer.broker_order_id)
    assert isinstance(ended, Accepted)
    assert ended.ended == Ended("canceled", Decimal(6))


@case(lambda able: "NXT" in able.venues, real=True)
async def test_bc_44_nxt_takes_no_order_at_market(venue: Venue) -> None:
    await venue.quotes(**BOTH_TRADE)
    order = venue.order(venue="NXT")
    refusal = refuse_beyond(venue.able, order)
    assert refusal is not None
    assert refusal.code == "order_type_not_allowed"
    try:  # the broker would not take it either
        assert isinstance(await venue.connector.submit(order, order.key), Refused)
    except Unreachable:
        assert not isinstance(await found(venue, order), Accepted)


@case(lambda able: "SOR" in able.venues, real=True)
async def test_bc_45_an_order_for_sor_is_changed_filled_and_canceled_wherever_it_went(venue: Venue) -> None:
    await venue.quotes(**BOTH_TRADE)
    filled, _ = await sent(venue, venue="SOR")
    assert await traded(venue, filled) == 10
    order, answer = await sent(venue, limit_price="69900", venue="SOR")
    change = Replacement(new_id(), Decimal(10), venue.price("69800"))
    assert isinstance(await venue.connector.replace(order, order.key, answer.broker_order_id, change), Replaced)
    ended = await venue.connector.cancel(order, order.key, answer.broker_order_id)
    assert isinstance(ended, Accepted)
    assert ended.ended == Ended("canceled", Decimal(10))


@case(lambda able: "SOR" in able.venues and not able.books_are_ours, real=True)
async def test_bc_46_sor_takes_the_better_price_wherever_it_waits(venue: Venue) -> None:
    assert isinstance(venue, EmulatorVenue)
    house, symbol = venue.emulated.house, venue.emulated.kind.symbol
    house.quote_nxt(symbol, Outside(Decimal(69_900), Decimal(500), Decimal(70_000), Decimal(4)))
    order, _ = await sent(venue, limit_price="70100", venue="SOR")
    assert shares(await found(venue, order)) == (4, 4 * venue.price("70000"))


@case(lambda able: "NXT" in able.venues and not able.books_are_ours, real=True)
async def test_bc_47_what_nxt_shows_is_not_there_for_orders_of_krx(venue: Venue) -> None:
    assert isinstance(venue, EmulatorVenue)
    house, symbol = venue.emulated.house, venue.emulated.kind.symbol
    house.quote_nxt(symbol, Outside(Decimal(69_900), Decimal(500), Decimal(70_000), Decimal(500)))
    at_krx, _ = await sent(venue, limit_price="70000")
    at_nxt, _ = await sent(venue, limit_price="70000", venue="NXT")
    assert (await traded(venue, at_krx), await traded(venue, at_nxt)) == (0, 10)


@case(lambda able: "KRX" in able.markets and "NXT" not in able.venues)
async def test_bc_48_an_order_for_a_venue_that_is_not_there_is_refused_before_it_is_sent(
    venue: Venue, database: Database, redis: "Redis", settings: Settings
) -> None:
    assert isinstance(venue, EmulatorVenue)
    floor = RemoteFloor.over(venue.emulated, database, redis, settings)
    for place in ("NXT", "SOR"):
        order = floor.order(venue=place)
        await floor.submit(order)
        assert await floor.said(order) == ["rejected:order_type_not_allowed"]
    assert venue.emulated.app.state.calls == []


@case(lambda able: not able.books_are_ours)
@pytest.mark.requirement("R-7")
async def test_bc_49_an_order_out_of_its_brokers_hours_is_refused_before_it_is_sent(
    venue: Venue, database: Database, redis: "Redis", settings: Settings
) -> None:
    assert isinstance(venue, EmulatorVenue)
    floor = RemoteFloor.over(venue.emulated, database, redis, settings)
    symbol = a_symbol() if venue.able.markets == {"KRX"} else new_id().hex.translate(LETTERS)[-9:].upper()
    quote = json.dumps({"session": "closed", "trading_date": "2026-11-02", "symbol": symbol})
    await redis.set(f"realtime:{symbol}", quote, ex=60)
    order = floor.order(symbol=symbol)
    await floor.submit(order)
    assert await floor.said(order) == ["rejected:market_closed"]
    assert venue.emulated.app.state.calls == []

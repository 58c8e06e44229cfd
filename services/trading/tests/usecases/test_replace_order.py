"""Replacing an order: held for while it is asked, true only once the broker says so, whatever is filled meanwhile."""

import random
from dataclasses import replace
from decimal import Decimal

import pytest
from kit.db import Database
from kit.ids import new_id
from trading.domain.order import Happening, Illegal, Status
from trading.errors import OrderNotFound, OrderNotReplaceable, ReplaceDenied, ReplacementInvalid

from services.trading.tests.builders import a_fill, a_quote
from services.trading.tests.desk import Desk, same_again

HELD = 561_084


async def test_a_larger_order_holds_the_difference_at_once_and_is_pending(database: Database) -> None:
    desk = await Desk.open(database)
    order = await desk.hears(await desk.places(), Happening.ACCEPTED)
    asking = await desk.asks_to_replace(order, quantity=Decimal(20))
    assert (asking.status, asking.quantity, asking.replace_quantity) == (Status.PENDING_REPLACE, 10, 20)
    assert (await desk.balance()).held == 1_122_168 + 1
    assert (await desk.announced())[-2:] == ["order.replace_requested", "balance.changed"]
    after = await desk.hears_replaced(order)
    assert (after.status, after.quantity, after.held, after.replace_id) == (Status.ACCEPTED, 20, 1_122_168, None)
    assert "order.replaced" in await desk.announced()
    await desk.proves()


async def test_a_smaller_one_frees_nothing_before_the_broker_has_agreed(database: Database) -> None:
    desk = await Desk.open(database)
    order = await desk.hears(await desk.places(), Happening.ACCEPTED)
    await desk.asks_to_replace(order, quantity=Decimal(5))
    assert (await desk.balance()).held == HELD
    await desk.hears_replaced(order)
    assert (await desk.balance()).held == 280_542
    await desk.proves()


@pytest.mark.requirement("R-7")
async def test_a_refused_replacement_leaves_the_order_as_it_was(database: Database) -> None:
    desk = await Desk.open(database)
    order = await desk.hears(await desk.places(), Happening.ACCEPTED)
    await desk.asks_to_replace(order, limit_price=Decimal(57_000), quantity=Decimal(12))
    after = await desk.hears_replace_refused(order)
    assert (after.status, after.quantity, after.limit_price, after.held) == (Status.ACCEPTED, 10, 56_100, HELD)
    assert (await desk.balance()).held == HELD
    await desk.proves()


@pytest.mark.requirement("R-7")
async def test_fills_while_it_is_pending_belong_to_the_order_as_it_was(database: Database) -> None:
    desk = await Desk.open(database)
    order = await desk.hears(await desk.places(), Happening.ACCEPTED)
    await desk.asks_to_replace(order, quantity=Decimal(20), limit_price=Decimal(50_000))
    part = await desk.fills(order, quantity=Decimal(4))
    assert (part.status, part.filled_quantity, part.limit_price) == (Status.PENDING_REPLACE, 4, 56_100)
    after = await desk.hears_replaced(order)
    assert (after.status, after.remaining_quantity, after.limit_price) == (Status.PARTIALLY_FILLED, 16, 50_000)
    assert (await desk.fills(order)).status is Status.FILLED
    assert (await desk.balance()).held == 0
    await desk.proves()


@pytest.mark.requirement("R-7")
async def test_an_order_filled_before_the_answer_is_filled_and_the_answer_is_old_news(database: Database) -> None:
    desk = await Desk.open(database)
    order = await desk.hears(await desk.places(), Happening.ACCEPTED)
    asking = await desk.asks_to_replace(order, quantity=Decimal(20))
    filled = await desk.fills(order)
    assert (filled.status, filled.held, filled.replace_id) == (Status.FILLED, 0, None)
    assert await desk.hears_replace_refused(order, asking.replace_id) == filled
    await desk.proves()


async def test_a_replacement_by_exactly_what_is_filled_ends_the_order(database: Database) -> None:
    desk = await Desk.open(database)
    order = await desk.hears(await desk.places(), Happening.ACCEPTED)
    await desk.asks_to_replace(order, quantity=Decimal(6))
    await desk.fills(order, quantity=Decimal(6))
    after = await desk.hears_replaced(order)
    assert (after.status, after.quantity, after.held) == (Status.FILLED, 6, 0)
    assert (await desk.announced())[-3:] == ["order.replaced", "order.filled", "balance.changed"]
    await desk.proves()


async def test_the_broker_cannot_have_replaced_by_less_than_is_filled(database: Database) -> None:
    desk = await Desk.open(database)
    order = await desk.hears(await desk.places(), Happening.ACCEPTED)
    await desk.asks_to_replace(order, quantity=Decimal(6))
    await desk.fills(order, quantity=Decimal(7))
    with pytest.raises(Illegal, match="7 filled"):
        await desk.hears_replaced(order)
    await desk.proves()


async def test_a_cancel_may_follow_and_both_answers_are_taken(database: Database) -> None:
    desk = await Desk.open(database)
    order = await desk.hears(await desk.places(), Happening.ACCEPTED)
    await desk.asks_to_replace(order, quantity=Decimal(20))
    assert (await desk.asks_to_cancel(order)).status is Status.PENDING_CANCEL
    after = await desk.hears_replaced(order)
    assert (after.status, after.quantity) == (Status.PENDING_CANCEL, 20)
    assert (await desk.hears(order, Happening.CANCELED)).status is Status.CANCELED
    assert (await desk.balance()).held == 0
    await desk.proves()


async def test_the_new_terms_are_reviewed_and_a_refusal_changes_nothing(database: Database) -> None:
    desk = await Desk.open(database, cash=1_000_000)
    order = await desk.hears(await desk.places(), Happening.ACCEPTED)
    for changes, reason in (
        ({"quantity": Decimal(20)}, "insufficient_cash"),
        ({"limit_price": Decimal(56_150)}, "price_off_tick"),
        ({"limit_price": Decimal(80_000)}, "price_outside_band"),
        ({"quantity": Decimal("10.5")}, "quantity_off_lot"),
    ):
        with pytest.raises(ReplaceDenied) as denied:
            await desk.asks_to_replace(order, **changes)
        assert denied.value.code == reason
    assert await desk.order(order.id) == order
    await desk.proves()


async def test_what_cannot_be_replaced_says_why(database: Database) -> None:
    desk, stranger = await Desk.open(database), await Desk.open(database)
    order = await desk.places()
    with pytest.raises(OrderNotReplaceable, match="submitted"):
        await desk.asks_to_replace(order, quantity=Decimal(5))
    await desk.hears(order, Happening.ACCEPTED)
    await desk.fills(order, quantity=Decimal(5))
    for changes in ({"quantity": Decimal(5)}, {"stop_price": Decimal(50_000)}):
        with pytest.raises(ReplacementInvalid):
            await desk.asks_to_replace(order, **changes)
    with pytest.raises(OrderNotFound):
        await stranger.asks_to_replace(order, quantity=Decimal(20))


async def test_a_sale_promises_more_shares_and_gives_them_back(database: Database) -> None:
    desk = await Desk.open(database)
    await desk.owns(10)
    order = await desk.hears(await desk.places(side="sell", quantity=Decimal(4)), Happening.ACCEPTED)
    await desk.asks_to_replace(order, quantity=Decimal(7))
    assert (await desk.position()).held == 7
    await desk.hears_replace_refused(order)
    assert (await desk.position()).held == 4
    with pytest.raises(ReplaceDenied, match="can be sold"):
        await desk.asks_to_replace(order, quantity=Decimal(11))
    await desk.proves()


@pytest.mark.requirement("R-1")
async def test_the_client_id_still_names_the_order_as_it_was_asked_for_first(database: Database) -> None:
    desk = await Desk.open(database)
    request = desk.request(client_order_id="my-1")
    order = (await desk.submits(request)).order
    await desk.hears(order, Happening.ACCEPTED)
    await desk.asks_to_replace(order, quantity=Decimal(12))
    await desk.hears_replaced(order)
    again = await desk.submits(same_again(request))
    assert (again.replayed, again.order.quantity) == (True, 12)


@pytest.mark.requirement("R-7", "R-20")
@pytest.mark.parametrize("seed", range(3))
async def test_whatever_crosses_whatever_the_hold_is_enough_and_is_freed_once(database: Database, seed: int) -> None:
    """The cash is exactly what was held: a hold that is too small would overdraw the account."""
    chance = random.Random(seed)
    desk = await Desk.open(database, cash=100_000_000)
    for _ in range(12):
        price, quantity = Decimal(chance.randrange(390, 700) * 100), Decimal(chance.randint(1, 30))
        order = await desk.hears(await desk.places(quantity=quantity, limit_price=price), Happening.ACCEPTED)
        new_price, new_quantity = Decimal(chance.randrange(390, 700) * 100), Decimal(chance.randint(1, 30))
        await desk.asks_to_replace(order, quantity=new_quantity, limit_price=new_price)
        filled = Decimal(chance.randint(0, int(min(quantity, new_quantity))))
        if filled:
            order = await desk.fills(order, quantity=filled, price=price)
        if order.is_open and chance.random() < 0.7:
            order = await desk.hears_replaced(order)
        elif order.is_open:
            order = await desk.hears_replace_refused(order)
        held = order.held
        if order.is_open:
            fill = a_fill(order, price=order.limit_price)
            assert held >= fill.value + fill.fee
            await desk.books(fill)
        assert (await desk.balance()).held == 0
    await desk.proves()


async def test_a_waiting_stop_is_changed_at_once(database: Database) -> None:
    desk = await Desk.open(database)
    terms = {"order_type": "stop_limit", "stop_price": Decimal(57_000), "limit_price": Decimal(57_500)}
    order = await desk.places(**terms)
    after = await desk.asks_to_replace(order, quantity=Decimal(4), stop_price=Decimal(57_100))
    assert (after.status, after.quantity, after.stop_price) == (Status.HELD, 4, 57_100)
    assert (await desk.balance()).held == 230_034
    more = await desk.asks_to_replace(order, quantity=Decimal(6))
    assert (await desk.balance()).held == more.held == 345_051
    await desk.proves()
    assert replace(more, replace_id=new_id()) != more
    assert (await desk.sees(order, a_quote(price=Decimal(57_100)))).status is Status.SUBMITTED  # type: ignore[union-attr]

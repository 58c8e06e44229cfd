"""The conformance suite goes on: what every connector must do with a change."""

from decimal import Decimal

import pytest
from broker.domain.order import Accepted, Ended, Replaced, Replacement, ReplaceRefused
from kit.ids import new_id

from services.broker.tests.conformance.asking import found, sent, shares, traded
from services.broker.tests.conformance.cases import case
from services.broker.tests.conformance.venues import Venue


@case(lambda able: able.replaces == "native", real=True)
@pytest.mark.requirement("R-7")
async def test_bc_29_a_change_of_the_limit_keeps_the_orders_name_and_trades_at_the_new_one(venue: Venue) -> None:
    order, answer = await sent(venue, limit_price="69900")
    for limit in ("69800", "69700"):
        change = Replacement(new_id(), Decimal(10), venue.price(limit))
        changed = await venue.connector.replace(order, order.key, answer.broker_order_id, change)
        assert isinstance(changed, Replaced)
        assert changed.after.broker_order_id == answer.broker_order_id
    await venue.quotes(bid="69700", ask="69900")
    assert await traded(venue, order) == 0, "the old limits are gone"
    await venue.quotes(bid="69600", ask="69700", ask_size="3")
    assert shares(await found(venue, order)) == (3, 3 * venue.price("69700"))


@case(lambda able: able.replaces == "native" and able.changes_quantity)
async def test_bc_30_the_same_change_again_changes_nothing(venue: Venue) -> None:
    await venue.quotes(ask_size="4")
    order, answer = await sent(venue, limit_price="70100")
    change = Replacement(new_id(), Decimal(8), venue.price("69900"))
    for _ in range(2):
        changed = await venue.connector.replace(order, order.key, answer.broker_order_id, change)
        assert isinstance(changed, Replaced)
        assert shares(changed.after)[0] == 4
    await venue.quotes(bid="69800", ask="69900")
    assert await traded(venue, order) == 8


@case(lambda able: able.can_cancel and able.replaces == "native")
async def test_bc_31_a_changed_order_can_be_canceled_under_its_first_name(venue: Venue) -> None:
    order, answer = await sent(venue, limit_price="69900")
    change = Replacement(new_id(), Decimal(10), venue.price("69800"))
    await venue.connector.replace(order, order.key, answer.broker_order_id, change)
    ended = await venue.connector.cancel(order, order.key, answer.broker_order_id)
    assert isinstance(ended, Accepted)
    assert (ended.broker_order_id, ended.ended) == (answer.broker_order_id, Ended("canceled", Decimal(10)))


@case(lambda able: able.replaces == "native" and not able.changes_quantity)
@pytest.mark.requirement("R-7")
async def test_bc_33_a_change_of_what_cannot_be_changed_is_refused_and_the_order_stays_as_it_was(venue: Venue) -> None:
    order, answer = await sent(venue, limit_price="69900")
    change = Replacement(new_id(), Decimal(8), venue.price("69800"))
    refusal = await venue.connector.replace(order, order.key, answer.broker_order_id, change)
    assert isinstance(refusal, ReplaceRefused)
    assert refusal.code == "quantity_fixed"
    assert await found(venue, order) == answer

"""Placing an order: held and announced, or denied and kept, once per client id."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest
from kit.db import Database
from kit.ids import new_id
from trading.domain.order import Status
from trading.domain.request import AccountId
from trading.errors import AccountNotFound, ClientOrderIdReused

from services.trading.tests.builders import NOW, a_quote
from services.trading.tests.desk import Desk, same_again

HELD = 561_084
OPENED = ["account.opened", "balance.changed"]


async def test_a_buy_holds_its_cash_and_is_announced(database: Database) -> None:
    desk = await Desk.open(database)
    order = await desk.places()
    balance = await desk.balance()
    assert (order.status, balance.held, balance.cash) == (Status.SUBMITTED, HELD, 10_000_000)
    assert await desk.order(order.id) == order
    assert await desk.announced() == [*OPENED, "order.submitted"], "what it holds is told with the answer"
    await desk.proves()


async def test_a_sale_holds_its_shares_and_no_cash(database: Database) -> None:
    desk = await Desk.open(database)
    await desk.owns(10)
    before = await desk.balance()
    order = await desk.places(side="sell", quantity=Decimal(4))
    assert (order.status, (await desk.position()).held) == (Status.SUBMITTED, 4)
    assert await desk.balance() == before
    denied = await desk.places(side="sell", quantity=Decimal(7))
    assert (denied.status, denied.reason) == (Status.DENIED, "insufficient_shares")
    await desk.proves()


async def test_a_buy_beyond_buying_power_is_denied_and_holds_nothing(database: Database) -> None:
    desk = await Desk.open(database, cash=HELD - 1)
    order = await desk.places()
    assert (order.status, order.reason, order.held) == (Status.DENIED, "insufficient_cash", 0)
    assert await desk.order(order.id) == order
    assert (await desk.balance()).held == 0
    assert await desk.announced() == [*OPENED, "order.denied"]


async def test_a_halted_account_is_read_in_the_same_transaction(database: Database) -> None:
    desk = await Desk.open(database)
    await desk.halts()
    assert (await desk.places()).reason == "trading_halted"


async def test_an_order_without_a_fresh_quote_is_denied(database: Database) -> None:
    desk = await Desk.open(database)
    placed = await desk.submits(desk.request(), a_quote(published_at=NOW - timedelta(seconds=6)))
    assert (placed.order.reason, placed.order.board) == ("stale_quote", "KOSPI")


async def test_open_orders_are_counted(database: Database) -> None:
    desk = await Desk.open(database)
    for _ in range(2):
        assert (await desk.submits(desk.request(quantity=Decimal(1)), open_orders_max=2)).order.is_open
    third = await desk.submits(desk.request(quantity=Decimal(1)), open_orders_max=2)
    assert third.order.reason == "open_order_limit"


async def test_a_strangers_account_does_not_exist(database: Database) -> None:
    desk, stranger = await Desk.open(database), await Desk.open(database)
    with pytest.raises(AccountNotFound):
        await stranger.submits(desk.request())
    with pytest.raises(AccountNotFound):
        await desk.submits(same_again(desk.request(), account_id=AccountId(new_id())))


class TestClientId:
    @pytest.mark.requirement("R-1")
    async def test_the_same_request_again_gets_the_order_that_is_there(self, database: Database) -> None:
        desk = await Desk.open(database)
        request = desk.request(client_order_id="my-1")
        first = await desk.submits(request)
        again = await desk.submits(same_again(request, quantity=Decimal("10.0")))
        assert (first.replayed, again.replayed) == (False, True)
        assert again.order == first.order
        assert (await desk.balance()).held == HELD

    @pytest.mark.requirement("R-1")
    async def test_the_outcome_stays_what_it_was_even_when_it_would_be_denied_now(self, database: Database) -> None:
        desk = await Desk.open(database)
        request = desk.request(client_order_id="my-1")
        first = await desk.submits(request)
        await desk.halts()
        assert (await desk.submits(same_again(request))).order == await desk.order(first.order.id)

    @pytest.mark.requirement("R-1")
    async def test_a_denial_is_an_outcome_too(self, database: Database) -> None:
        desk = await Desk.open(database, cash=1)
        request = desk.request(client_order_id="my-1")
        first, again = await desk.submits(request), await desk.submits(same_again(request))
        assert (again.order, again.replayed) == (first.order, True)
        assert await desk.count("orders") == 1

    @pytest.mark.requirement("R-1")
    async def test_another_request_under_the_same_id_is_refused(self, database: Database) -> None:
        desk = await Desk.open(database)
        request = desk.request(client_order_id="my-1")
        await desk.submits(request)
        with pytest.raises(ClientOrderIdReused):
            await desk.submits(same_again(request, quantity=Decimal(11)))
        assert (await desk.balance()).held == HELD
        other_account = await Desk.open(database, owner=desk.owner)
        with pytest.raises(ClientOrderIdReused):
            await other_account.submits(other_account.request(client_order_id="my-1"))

    @pytest.mark.requirement("R-1")
    async def test_two_owners_may_use_the_same_id(self, database: Database) -> None:
        for desk in (await Desk.open(database), await Desk.open(database)):
            assert not (await desk.submits(desk.request(client_order_id="my-1"))).replayed

    @pytest.mark.requirement("R-1")
    async def test_a_hundred_at_once_make_one_order_one_hold_and_one_event(self, database: Database) -> None:
        desk = await Desk.open(database)
        request = desk.request(client_order_id="my-1")
        outcomes = await asyncio.gather(*(desk.submits(same_again(request)) for _ in range(100)))
        assert sum(not outcome.replayed for outcome in outcomes) == 1
        assert {outcome.order.id for outcome in outcomes} == {outcomes[0].order.id}
        assert await desk.count("orders") == 1
        assert (await desk.balance()).held == HELD
        assert (await desk.announced()).count("order.submitted") == 1
        await desk.proves()


@pytest.mark.requirement("R-8", "R-19")
async def test_of_two_hundred_orders_at_once_exactly_those_are_accepted_that_can_be_paid(database: Database) -> None:
    desk = await Desk.open(database, cash=10 * HELD + HELD - 1)
    outcomes = await asyncio.gather(*(desk.places() for _ in range(200)))
    assert sum(order.is_open for order in outcomes) == 10
    assert {order.reason for order in outcomes if not order.is_open} == {"insufficient_cash"}
    balance = await desk.balance()
    assert (balance.held, balance.available) == (10 * HELD, HELD - 1)
    await desk.proves()


@pytest.mark.requirement("R-19")
async def test_shares_are_never_promised_twice(database: Database) -> None:
    desk = await Desk.open(database)
    await desk.owns(10)
    outcomes = await asyncio.gather(*(desk.places(side="sell", quantity=Decimal(3)) for _ in range(20)))
    assert sum(order.is_open for order in outcomes) == 3
    assert (await desk.position()).held == 9
    await desk.proves()

"""The proof of an account: true while nobody cheats, and red for every way to cheat."""

import asyncio
from decimal import Decimal

import asyncpg
import pytest
from kit.db import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from trading.domain.order import Status
from trading.domain.request import OrderId

from services.trading.tests.builders import a_quote
from services.trading.tests.desk import Desk

FORGED = {
    "cash out of nothing": "UPDATE balances SET available = available + 1",
    "a hold out of nothing": "UPDATE balances SET held = held + 1",
    "cash said to be settled": "UPDATE balances SET unsettled_out = unsettled_out - 1",
    "shares out of nothing": "UPDATE positions SET quantity = quantity + 1",
    "a cheaper purchase": "UPDATE positions SET cost = cost - 1",
    "a profit nobody made": "UPDATE positions SET realized_profit = realized_profit + 1",
    "shares held for nobody": "UPDATE positions SET held = held + 1",
    "an order that holds too little": "UPDATE orders SET held = held - 1 WHERE held > 0",
    "an order that was filled less": "UPDATE orders SET filled_value = filled_value - 1 WHERE filled_value > 0",
    "a fee that was never paid": "UPDATE executions SET fee = fee + 1",
    "an execution that vanished": "DELETE FROM executions",
    "a settlement that was forgotten": "DELETE FROM unsettled",
    "an entry that vanished": "DELETE FROM ledger_entries WHERE book = 'fees' OR book = 'cash'",
}


@pytest.mark.requirement("R-21")
async def test_the_rebuilt_hash_is_the_live_one(database: Database) -> None:
    desk = await Desk.open(database)
    await desk.owns(10)
    await desk.fills(await desk.places(side="sell", quantity=Decimal(4)), tax=Decimal(336))
    await desk.places()
    proof = await desk.proof()
    assert proof.rebuilt_hash == proof.stored_hash
    assert (proof.differences, proof.faults) == ((), ())
    empty = await (await Desk.open(database, cash=0)).proof()
    assert empty.holds
    assert empty.entries == 0
    assert empty.rebuilt_hash != proof.rebuilt_hash


@pytest.mark.requirement("R-21")
@pytest.mark.parametrize("cheat", sorted(FORGED))
async def test_whoever_changes_a_row_behind_our_back_is_found_out(
    database: Database, fresh: TestDatabase, cheat: str
) -> None:
    desk = await Desk.open(database)
    await desk.owns(10)
    await desk.fills(await desk.places(side="sell", quantity=Decimal(4)), tax=Decimal(336))
    await desk.places()
    superuser = await asyncpg.connect(fresh.admin_url)
    await superuser.execute("ALTER TABLE ledger_entries DISABLE TRIGGER ALL")
    await superuser.execute(FORGED[cheat])
    await superuser.close()
    proof = await desk.proof()
    assert not proof.holds, cheat
    assert proof.differences or proof.faults


@pytest.mark.requirement("R-19")
async def test_of_200_holds_at_once_exactly_as_many_succeed_as_the_cash_allows(database: Database) -> None:
    """200 buys of 100,015 won each race for 10,000,000: 99 fit."""
    desk = await Desk.open(database)
    quote = a_quote(price=Decimal(100_000), band=None)

    async def places(_: int) -> Status:
        order_id = OrderId(new_id())
        request = desk.request(
            id=order_id, client_order_id=f"meant-{order_id}", quantity=Decimal(1), limit_price=Decimal(100_000)
        )
        return (await desk.submits(request, quote, open_orders_max=1_000)).order.status

    gate = asyncio.Semaphore(
        5
    )  # as many at once as there are connections: nobody waits for one longer than its patience

    async def in_turn(number: int) -> Status:
        async with gate:
            return await places(number)

    statuses = await asyncio.gather(*map(in_turn, range(200)))
    assert statuses.count(Status.SUBMITTED) == 10_000_000 // 100_015 == 99
    assert statuses.count(Status.DENIED) == 101
    balance = await desk.balance()
    assert (balance.held, balance.available) == (99 * 100_015, 10_000_000 - 99 * 100_015)
    await desk.proves()

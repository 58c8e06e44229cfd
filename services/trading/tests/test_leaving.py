"""What trading holds of somebody: all is told to its owner, and all goes that has no reason to stay."""

from datetime import timedelta
from uuid import UUID

import pytest
from kit.belongings import delete_rows
from kit.clock import now
from kit.db import Database
from kit.events import Envelope
from kit.ids import new_id
from kit.testing import leaving
from kit.testing.databases import TestDatabase
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from sqlalchemy import text
from trading.app import create_app
from trading.config import Settings
from trading.domain.order import Happening, Status
from trading.jobs import erase_leavers, forget_old_books
from trading.resources import open_resources
from trading.store import belongings, system
from trading.store.belongings import BOOKS_KEPT
from trading.store.tables import executions, ledger_entries, position_entries
from trading.subscriptions import UserErasedFact, subscriptions
from trading.usecases.erase_owner import erase_owner

from services.trading.tests.desk import Desk

# What stays of texts in the books: words of ours, of exchanges and brokers, and ids.
WORDS = {
    "accounts": "kind currency broker",
    "balances": "currency",
    "orders": "symbol market venue currency side order_type time_in_force board kind status reason",
    "executions": "execution_id symbol side currency",
    "positions": "symbol market currency",
    "position_entries": "entry_id symbol market currency movement",
    "ledger_entries": "transaction_key currency book movement",
    "unsettled": "currency opened_by symbol",
}


async def test_every_table_with_owners_is_told_or_has_a_reason_not_to(fresh: TestDatabase) -> None:
    await leaving.assert_named(fresh, belongings.TOLD, belongings.UNTOLD)


@pytest.mark.requirement("R-38")
async def test_an_export_holds_ones_own_rows_of_every_table_and_nobody_elses(
    fresh: TestDatabase, settings: Settings, tokens: Tokens
) -> None:
    async with client(create_app(settings, tokens.verifier)) as http:
        await leaving.assert_told(fresh, http, tokens, belongings.TOLD)


@pytest.mark.requirement("R-39")
async def test_after_leaving_nothing_is_left_but_what_is_kept_for_a_reason(
    fresh: TestDatabase, database: Database
) -> None:
    async def erase(owner: UUID) -> None:
        async with database.system() as session:
            assert await erase_owner(session, owner, now())

    await leaving.assert_forgotten(fresh, erase, belongings.KEPT, WORDS)


@pytest.mark.requirement("R-39")
async def test_books_go_when_they_are_old_and_not_before(
    fresh: TestDatabase, database: Database, settings: Settings
) -> None:
    moment, almost = now(), timedelta(days=1)
    async with leaving.two_people(fresh) as two, open_resources(settings) as resources:
        set_back = "UPDATE leavers SET erased_at = $1 WHERE owner_id = $2"
        await two.admin.execute(set_back, moment - BOOKS_KEPT + almost, two.leaver)
        await two.admin.execute(set_back, moment, two.stayer)
        stays = await two.rows_of(two.stayer)
        assert await forget_old_books(resources, moment) == "0 forgotten"
        assert await forget_old_books(resources, moment + almost) == "1 forgotten"
        assert (await two.rows_of(two.leaver)).keys() & belongings.KEPT.keys() == set()
        async with database.system() as session:
            await delete_rows(session, two.stayer, (executions, ledger_entries, position_entries))
        assert await two.rows_of(two.stayer) == stays, "the database keeps what is not old"


async def publish(database: Database) -> None:
    """What the relay does."""
    async with database.system() as session:
        await session.execute(text("UPDATE events SET published_at = now() WHERE published_at IS NULL"))


async def test_open_orders_end_before_their_owner_is_forgotten_and_the_books_still_prove(
    database: Database, settings: Settings
) -> None:
    desk, other = await Desk.open(database), await Desk.open(database)
    await desk.owns(10)
    order, others = await desk.places(client_order_id="for my daughter"), await other.places()
    left = Envelope(
        id=new_id(),
        type="auth.user.erased.v1",
        source="auth",
        time=now(),
        subject=str(desk.owner),
        owner=desk.owner,
        correlation_id=new_id(),
        causation_id=None,
        version=1,
        data={},
    )
    handler = subscriptions.handlers[left.type].handler
    async with open_resources(settings) as resources:
        for _ in range(2):  # a message may come twice
            await handler(resources, UserErasedFact(user_id=desk.owner), left)
        await publish(database)
        assert (await desk.order(order.id)).status is Status.PENDING_CANCEL
        assert await erase_leavers(resources, now()) == "0 of 1 forgotten"
        await desk.hears(order, Happening.CANCELED)
        assert await erase_leavers(resources, now()) == "0 of 1 forgotten", "a fact of theirs is not published yet"
        await publish(database)
        assert await erase_leavers(resources, now()) == "1 of 1 forgotten"
        assert await erase_leavers(resources, now()) == "0 of 0 forgotten"
    forgotten = await desk.order(order.id)
    assert (forgotten.client_order_id, forgotten.status) == (str(order.id), Status.CANCELED)
    assert (await desk.proof()).holds
    assert (await other.order(others.id)).is_open
    async with database.system() as session:
        assert desk.owner not in {whose.owner for whose in await system.list_holders(session, "005930")}

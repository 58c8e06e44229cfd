"""What trading holds of somebody: all is told to its owner, and all goes that has no reason to stay."""

from uuid import UUID

import pytest
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
from trading.jobs import erase_leavers
from trading.resources import open_resources
from trading.store import belongings, system
from trading.subscriptions import UserErasedFact, subscriptions
from trading.usecases.erase_owner import erase_owner

from services.trading.tests.desk import Desk

SAYS_SO = "events"
"""The fact that somebody is forgotten, with a bare id."""
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
    async with leaving.two_people(fresh) as two:
        assert two.names == {table.name for table in belongings.TOLD} | belongings.UNTOLD.keys()


@pytest.mark.requirement("R-38")
async def test_an_export_holds_ones_own_rows_of_every_table_and_nobody_elses(
    fresh: TestDatabase, settings: Settings, tokens: Tokens
) -> None:
    async with leaving.two_people(fresh) as two, client(create_app(settings, tokens.verifier)) as http:
        answer = await leaving.told(http, tokens, two.leaver)
        document = answer.json()
        assert {name: len(rows) for name, rows in document.items()} == {table.name: 1 for table in belongings.TOLD}
        assert all(row["owner_id"] == str(two.leaver) for rows in document.values() for row in rows)
        assert (await leaving.told(http, tokens, two.leaver, asked_by="backtest")).status_code == 404


@pytest.mark.requirement("R-39")
async def test_after_leaving_nothing_is_left_but_what_is_kept_for_a_reason(
    fresh: TestDatabase, database: Database
) -> None:
    async def erase(owner: UUID) -> None:
        async with database.system() as session:
            assert await erase_owner(session, owner, now())

    async with leaving.two_people(fresh) as two:
        assert await leaving.survivors(two, erase) == {
            (table, name) for table, names in WORDS.items() for name in names.split()
        }
        assert (await two.rows_of(two.leaver)).keys() == belongings.KEPT.keys() | {SAYS_SO}


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

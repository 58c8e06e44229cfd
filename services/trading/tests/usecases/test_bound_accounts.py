"""Accounts at brokers: bound to a connection of their owner's when they open, once, and their orders say so."""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from kit import context
from kit.db import Database
from kit.events import Envelope
from kit.ids import new_id
from sqlalchemy import text
from trading.domain.account import Account, Connection
from trading.domain.request import AccountId
from trading.errors import ConnectionNotFound, ConnectionTaken, LiveNotPermitted
from trading.store import connections
from trading.subscriptions import subscriptions
from trading.usecases.open_account import Opening, open_account

from services.trading.tests.builders import NOW
from services.trading.tests.desk import Desk

KIS = Connection(id=new_id(), broker="kis", environment="paper")


def an_opening(connection: UUID | None) -> Opening:
    return Opening(
        id=AccountId(new_id()),
        name="한국투자",
        kind="paper",
        currency="KRW",
        initial_cash=Decimal(10_000_000),
        connection_id=connection,
    )


async def hears(database: Database, owner: UUID, connection: Connection, change: str) -> None:
    """The news of a connection, as the bus brings it."""
    data: dict[str, Any] = {
        "connection_id": str(connection.id),
        "broker": connection.broker,
        "environment": connection.environment,
        "change": change,
    }
    message = Envelope(
        id=new_id(),
        type="broker.connection.changed.v1",
        source="broker",
        time=NOW,
        subject=str(connection.id),
        owner=owner,
        correlation_id=context.correlation_id(),
        causation_id=None,
        version=1,
        data=data,
    )
    subscription = subscriptions.handlers[message.type]
    async with database.owned(owner) as session:
        await subscription.handler(session, subscription.model.model_validate(data), message)


async def opens(database: Database, owner: UUID, connection: UUID | None) -> Account:
    async with database.owned(owner) as session:
        return await open_account(session, owner, an_opening(connection), NOW)


async def test_an_account_opened_with_a_connection_is_at_its_broker(database: Database, owner: UUID) -> None:
    await hears(database, owner, KIS, "saved")
    await hears(database, owner, KIS, "saved")
    account = await opens(database, owner, KIS.id)
    assert (account.broker, account.connection_id) == ("kis", KIS.id)
    assert (await opens(database, owner, None)).broker == "simulator"


async def test_an_order_says_which_broker_and_through_which_connection(database: Database, owner: UUID) -> None:
    await hears(database, owner, KIS, "saved")
    account = await opens(database, owner, KIS.id)
    desk = Desk(database, owner, account.id)
    await desk.submits(desk.request())
    async with database.system() as session:
        found = await session.scalar(text("SELECT data FROM events WHERE type = 'trading.order.submitted.v1'"))
    assert found is not None
    assert (found["broker"], found["connection_id"]) == ("kis", str(KIS.id))


async def test_a_connection_that_is_not_there_or_a_strangers_binds_nothing(database: Database, owner: UUID) -> None:
    await hears(database, new_id(), KIS, "saved")
    with pytest.raises(ConnectionNotFound):
        await opens(database, owner, KIS.id)


async def test_two_accounts_are_never_one_at_the_broker(database: Database, owner: UUID) -> None:
    await hears(database, owner, KIS, "saved")
    first = await opens(database, owner, KIS.id)
    with pytest.raises(ConnectionTaken, match=str(first.id)):
        await opens(database, owner, KIS.id)


async def test_a_paper_account_is_not_bound_to_real_money(database: Database, owner: UUID) -> None:
    real = replace(KIS, environment="real")
    await hears(database, owner, real, "saved")
    with pytest.raises(LiveNotPermitted):
        await opens(database, owner, real.id)


async def test_a_connection_that_was_taken_away_binds_nothing_new(database: Database, owner: UUID) -> None:
    await hears(database, owner, KIS, "saved")
    await hears(database, owner, KIS, "deleted")
    with pytest.raises(ConnectionNotFound):
        await opens(database, owner, KIS.id)
    async with database.owned(owner) as session:
        assert await connections.find(session, owner, KIS.id) is None

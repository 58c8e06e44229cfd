"""The database itself keeps owners apart, and keeps what is final."""

from uuid import uuid4

import pytest
from backtest.store.tables import metadata
from backtest.usecases.create_strategy import create_strategy
from backtest.usecases.execute_run import Errand, execute_run
from backtest.usecases.publish_strategy import publish_strategy
from backtest.workshop import Workshop
from kit.clock import now
from kit.db import Database
from kit.ids import new_id
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.backtest.tests.builders import A_BACKTEST, a_sweep, content
from services.backtest.tests.people import executed, queued

TABLES = sorted(metadata.tables)


@pytest.mark.requirement("R-36")
async def test_every_table_is_kept_apart_even_from_its_own_role(database: Database) -> None:
    async with database.system() as session:
        found = await session.execute(
            text("SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relkind = 'r'")
        )
        assert {*TABLES, "events"} <= set(found.scalars())


@pytest.mark.requirement("R-37")
async def test_rows_are_seen_by_their_owner_only_and_by_nobody_without_one(workshop: Workshop) -> None:
    owner, database = uuid4(), workshop.database
    async with database.owned(owner) as session:
        strategy = await create_strategy(session, owner, content(), now())
        await publish_strategy(session, owner, strategy.id, now())
    for task in (A_BACKTEST, a_sweep()):
        await executed(workshop, owner, task)
    underway = await queued(database, owner, a_sweep())
    await execute_run(workshop, Errand(owner, underway.id, new_id()))
    for table in TABLES:
        count = text(f"SELECT count(*) FROM {table}")
        async with database.owned(owner) as session:
            assert await session.scalar(count), table
        async with database.owned(uuid4()) as session:
            assert await session.scalar(count) == 0, table
        with pytest.raises(DBAPIError):
            async with database.public() as session:
                await session.scalar(count)


async def test_what_is_final_cannot_be_changed(database: Database) -> None:
    for change in (
        "UPDATE strategy_versions SET name = 'another'",
        "DELETE FROM strategy_versions",
        "UPDATE results SET fingerprint = ''",
        "UPDATE files SET name = 'other.parquet'",
        "UPDATE trades SET profit = 1",
        "UPDATE trials SET rank = 1",
    ):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with database.owned(uuid4()) as session:
                await session.execute(text(change))

"""Databases that are lent from test to test: what a test may leave behind, and what the next one never sees."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from kit.testing import databases
from kit.testing.databases import Lent


class Library:
    """Lends databases of one template, and remembers which are out."""

    def __init__(self, server: str, service: str, template: str) -> None:
        self._place = server, service, template
        self._server = server

    async def lend(self) -> Lent:
        return await databases.lend(*self._place)

    async def change(self, lent: Lent, *statements: str) -> None:
        connection = await asyncpg.connect(lent.database.admin_url)
        for statement in statements:
            await connection.execute(statement)
        await connection.close()

    async def ask(self, lent: Lent, question: str) -> object:
        connection = await asyncpg.connect(lent.database.admin_url)
        found: object = await connection.fetchval(question)
        await connection.close()
        return found

    async def take_back(self, lent: Lent) -> None:
        await databases.take_back(self._server, lent)


@pytest_asyncio.fixture
async def library(postgres_server: str, service: str, template: str) -> AsyncIterator[Library]:
    await databases.drop_idle(postgres_server)
    yield Library(postgres_server, service, template)
    await databases.drop_idle(postgres_server)


async def test_rows_are_gone_and_sequences_begin_again_for_the_next_test(library: Library) -> None:
    first = await library.lend()
    await library.change(first, "INSERT INTO inbox VALUES ('me', gen_random_uuid(), now())")
    used = "SELECT coalesce(sum(last_value), 0) FROM pg_sequences"
    before = await library.ask(first, used)
    for name in await _sequences(library, first):
        await library.ask(first, f"SELECT nextval('{name}')")
    await library.take_back(first)
    second = await library.lend()
    assert second.database == first.database
    assert await library.ask(second, "SELECT count(*) FROM inbox") == 0
    assert await library.ask(second, used) == before
    await library.take_back(second)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE inbox ADD COLUMN more text",
        "GRANT TRUNCATE ON inbox TO PUBLIC",
        "ALTER TABLE events NO FORCE ROW LEVEL SECURITY",
        "CREATE VIEW everything AS SELECT * FROM events",
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA elsewhere",
        "UPDATE alembic_version SET version_num = '9999'",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET statement_timeout = 1000', current_database()); END $$",
        "INSERT INTO inbox SELECT 'me', gen_random_uuid(), now() FROM generate_series(1, 90000)",
    ],
)
async def test_a_database_that_is_not_the_templates_any_more_is_dropped(library: Library, statement: str) -> None:
    spoiled = await library.lend()
    await library.change(spoiled, statement)
    await library.take_back(spoiled)
    next_one = await library.lend()
    assert next_one.database != spoiled.database
    await library.take_back(next_one)


async def test_who_stays_connected_with_a_lock_in_hand_holds_up_nobody(library: Library) -> None:
    lent = await library.lend()
    left = await asyncpg.connect(lent.database.admin_url)
    await left.execute("BEGIN; LOCK TABLE inbox")
    await library.take_back(lent)
    again = await library.lend()
    assert again.database == lent.database
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
        await left.execute("SELECT 1")
    await library.take_back(again)


async def test_two_tests_at_once_have_two_databases(library: Library) -> None:
    one, other = await library.lend(), await library.lend()
    assert one.database != other.database
    await library.take_back(one)
    await library.take_back(other)


async def _sequences(library: Library, lent: Lent) -> list[str]:
    connection = await asyncpg.connect(lent.database.admin_url)
    rows = await connection.fetch("SELECT format('%I.%I', schemaname, sequencename) AS name FROM pg_sequences")
    await connection.close()
    return [row["name"] for row in rows]

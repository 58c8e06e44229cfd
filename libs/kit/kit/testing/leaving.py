"""The proof that an export holds everything and that leaving leaves nothing: by enumeration, like that of isolation.

A throw-away database is filled with rows of two people, one in every table that has owners; a table that somebody adds
tomorrow is filled and looked at without being named here.
"""

# ruff: noqa: S608 - every statement is put together from the catalogue of a throw-away database

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import sqlalchemy

from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.isolation import Table, fill
from kit.testing.tokens import Tokens

SAYS_SO = "events"
"""The fact that somebody is forgotten, with a bare id."""
TEXTS = frozenset({"text", "varchar", "bytea", "jsonb", "json"})


@dataclass(frozen=True)
class Two:
    """Somebody who leaves and somebody who stays, with a row each in every table."""

    leaver: UUID
    stayer: UUID
    tables: list[Table]
    admin: "asyncpg.Connection[Any]"

    @property
    def names(self) -> set[str]:
        """Every table that has owners."""
        return {_plain(table) for table in self.tables}

    async def rows_of(self, owner: UUID) -> dict[str, list[dict[str, Any]]]:
        """What is there of somebody, by table; tables without anything are left out."""
        found = {}
        for table in self.tables:
            rows = await self.admin.fetch(f"SELECT * FROM {table.name} WHERE owner_id = $1", owner)
            if rows:
                found[_plain(table)] = [dict(row) for row in rows]
        return found

    async def texts_of(self, owner: UUID) -> dict[tuple[str, str], Any]:
        """Every text somebody has left anywhere, by table and column."""
        kinds = {_plain(table): table.columns for table in self.tables}
        rows = await self.rows_of(owner)
        return {
            (name, column): value
            for name, found in rows.items()
            for row in found
            for column, value in row.items()
            if kinds[name].get(column) in TEXTS
        }


def _plain(table: Table) -> str:
    return table.name.rpartition(".")[2].strip('"')


@asynccontextmanager
async def two_people(database: TestDatabase) -> AsyncIterator[Two]:
    """Fill a throw-away database for two people."""
    admin = await asyncpg.connect(database.admin_url)
    try:
        leaver, stayer = new_id(), new_id()
        yield Two(leaver, stayer, await fill(admin, leaver, stayer), admin)
    finally:
        await admin.close()


async def told(http: httpx.AsyncClient, tokens: Tokens, owner: UUID, asked_by: str = "auth") -> httpx.Response:
    """Ask a service for everything that is somebody's, as another service does."""
    token = tokens.sign(tokens.claims(new_id(), "service") | {"name": asked_by})
    return await http.get(f"/internal/belongings/{owner}", headers={"Authorization": f"Bearer {token}"})


async def survivors(two: Two, erase: Callable[[UUID], Awaitable[object]]) -> set[tuple[str, str]]:
    """Have somebody forgotten; return the columns where a text of theirs is still the one it was.

    Raises:
        AssertionError: when anything of the one who stays is missing afterwards.
    """
    texts, stays = await two.texts_of(two.leaver), await two.rows_of(two.stayer)
    await erase(two.leaver)
    assert await two.rows_of(two.stayer) == stays
    left = await two.texts_of(two.leaver)
    return {place for place, text in texts.items() if left.get(place) == text}


async def assert_named(database: TestDatabase, told: Sequence[sqlalchemy.Table], untold: Mapping[str, str]) -> None:
    """Check that every table with owners is told to them, or has a reason not to be."""
    async with two_people(database) as two:
        assert two.names == {table.name for table in told} | untold.keys()


async def assert_told(
    database: TestDatabase, http: httpx.AsyncClient, tokens: Tokens, told_of: Sequence[sqlalchemy.Table]
) -> None:
    """Check that an export holds one's own rows of every table and nobody else's, and is for auth alone."""
    async with two_people(database) as two:
        document = (await told(http, tokens, two.leaver)).json()
        assert {name: len(rows) for name, rows in document.items()} == {table.name: 1 for table in told_of}
        assert all(row["owner_id"] == str(two.leaver) for rows in document.values() for row in rows)
        assert (await told(http, tokens, two.leaver, asked_by="another")).status_code == 404


async def assert_forgotten(
    database: TestDatabase,
    erase: Callable[[UUID], Awaitable[object]],
    kept: Mapping[str, str],
    words: Mapping[str, str] | None = None,
) -> None:
    """Check that nothing is left but what is kept for a reason, and the fact that somebody was forgotten.

    Args:
        database: a throw-away one.
        erase: what the service does.
        kept: the tables that stay, with the reason.
        words: by table, the columns of texts that stay what they were: words of ours and ids.
    """
    places = {(table, name) for table, names in (words or {}).items() for name in names.split()}
    async with two_people(database) as two:
        assert await survivors(two, erase) == places
        assert (await two.rows_of(two.leaver)).keys() == kept.keys() | {SAYS_SO}

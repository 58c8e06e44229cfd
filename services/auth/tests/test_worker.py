"""Housekeeping: what has expired is forgotten, and nothing else."""

from datetime import timedelta

from auth.usecases.forget_expired import forget_expired
from kit.clock import now
from kit.db import Database
from sqlalchemy import text

from services.auth.tests.people import Person


async def counts(database: Database) -> tuple[int, int, int]:
    async with database.system() as session:
        tables = ("sessions", "refresh_tokens", "login_failures")
        found = [int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0) for table in tables]
    return found[0], found[1], found[2]


async def test_only_what_has_expired_is_forgotten(haneul: Person, database: Database) -> None:
    await haneul.logs_in("not the right one at all")
    for moment, left in (
        (now(), (1, 1, 2)),
        (now() + timedelta(hours=1), (1, 1, 1)),
        (now() + timedelta(days=31), (0, 0, 0)),
    ):
        async with database.system() as session:
            await forget_expired(session, moment)
        assert await counts(database) == left

"""Facts and inbox by day: at a month's edge, in February, after a standstill, and nothing unsent is ever dropped."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from kit.db import Database
from kit.ids import new_id
from kit.migrate import upgrade
from kit.testing.databases import TestDatabase
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from trading.days import AHEAD_DAYS, KEPT_DAYS, keep_days
from trading.store import days

TODAY = datetime.now(UTC).date()
AGES = datetime(2020, 1, 1, tzinfo=UTC)
STRANGE = UUID("f0000000-0000-4000-8000-000000000001")
"""An id that tells no time."""
FACT = """
INSERT INTO events (id, type, subject, correlation_id, data, must_reach, occurred_at, published_at)
VALUES ($1, 'trading.test.happened.v1', 's', $1, '{}', false, $2, $3)
"""
WHERE = "SELECT tableoid::regclass::text FROM events WHERE id = $1"


def id_at(moment: datetime) -> UUID:
    """An id that was made at a moment."""
    return UUID(int=(int(moment.timestamp() * 1_000) << 80) | (new_id().int & ((1 << 80) - 1)))


def nine_of(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


def at(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@pytest_asyncio.fixture
async def admin(fresh: TestDatabase) -> AsyncIterator["asyncpg.Connection[Any]"]:
    opened = await asyncpg.connect(fresh.admin_url)
    yield opened
    await opened.close()


async def add_fact(admin: "asyncpg.Connection[Any]", moment: datetime, *, sent: bool = True) -> UUID:
    fact = id_at(moment)
    await admin.execute(FACT, fact, moment, moment if sent else None)
    return fact


async def keep(database: Database, day: date) -> str:
    return await keep_days(SimpleNamespace(database=database), datetime(day.year, day.month, day.day, 12, tzinfo=UTC))  # type: ignore[arg-type]  # all it needs


@pytest.mark.parametrize("last", [date(2031, 12, 31), date(2032, 2, 28), date(2032, 2, 29), date(2033, 2, 28)])
async def test_a_fact_lies_in_its_day_on_both_sides_of_a_month_s_edge(
    database: Database, admin: "asyncpg.Connection[Any]", last: date
) -> None:
    await keep(database, last - timedelta(days=1))
    midnight = datetime(last.year, last.month, last.day, tzinfo=UTC) + timedelta(days=1)
    for moment in (midnight - timedelta(milliseconds=1), midnight, midnight + timedelta(milliseconds=1)):
        fact = await add_fact(admin, moment)
        assert await admin.fetchval(WHERE, fact) == f"events_{moment:%Y%m%d}"


async def test_room_is_made_for_the_days_to_come_and_only_once(database: Database) -> None:
    ahead = TODAY + timedelta(days=30)
    made = (AHEAD_DAYS + 1) * len(KEPT_DAYS)
    assert await keep(database, ahead) == f"{made} days made, 0 dropped"
    assert await keep(database, ahead) == "0 days made, 0 dropped"
    async with database.system() as session:
        assert await days.list_days(session, "inbox") == await days.list_days(session, "events")
        assert (await days.list_days(session, "events"))[-1] == ahead + timedelta(days=AHEAD_DAYS)


async def test_old_days_go_whole_but_for_those_with_an_unsent_fact(
    database: Database, admin: "asyncpg.Connection[Any]"
) -> None:
    await admin.execute("ALTER TABLE events DETACH PARTITION events_before")  # as if days had been made for months
    began = TODAY - timedelta(days=20)
    await keep(database, began)
    sent, unsent, also_sent = (began + timedelta(days=each) for each in range(3))
    facts = [await add_fact(admin, nine_of(day), sent=day != unsent) for day in (sent, unsent, also_sent)]
    outcome = await keep(database, TODAY)
    async with database.system() as session:
        left = [day for day in await days.list_days(session, "events") if day <= TODAY]
    assert left == [unsent, TODAY], outcome
    assert [await admin.fetchval(WHERE, fact) for fact in facts] == [None, f"events_{unsent:%Y%m%d}", None]


async def test_what_is_old_in_no_day_of_its_own_is_deleted_once_it_was_published(
    database: Database, admin: "asyncpg.Connection[Any]"
) -> None:
    old = TODAY - timedelta(days=KEPT_DAYS["events"] + 1)
    young = TODAY - timedelta(days=KEPT_DAYS["events"] - 1)
    sent, unsent, kept = (
        await add_fact(admin, nine_of(old)),
        await add_fact(admin, nine_of(old), sent=False),
        await add_fact(admin, nine_of(young)),
    )
    await admin.execute("INSERT INTO inbox VALUES ('trading', $1, now()), ('trading', $2, $3)", kept, id_at(AGES), AGES)
    await keep(database, TODAY)
    assert [await admin.fetchval(WHERE, fact) for fact in (sent, unsent, kept)] == [
        None,
        "events_before",
        "events_before",
    ]
    assert [row[0] for row in await admin.fetch("SELECT message_id FROM inbox")] == [kept]


async def test_facts_from_before_there_were_days_are_kept_and_numbered_on(fresh: TestDatabase) -> None:
    name = f"{fresh.name}_before"
    server = await asyncpg.connect(fresh.admin_url)
    await server.execute(f"CREATE DATABASE {name} OWNER trading_owner")
    await asyncio.to_thread(upgrade, "trading", at(fresh.owner_url, name), "0009")
    admin = await asyncpg.connect(at(fresh.admin_url, name))
    facts = [await add_fact(admin, datetime.now(UTC)) for _ in range(3)] + [STRANGE]
    await admin.execute(FACT, STRANGE, datetime.now(UTC), None)
    await admin.execute("INSERT INTO inbox VALUES ('trading', $1, now()), ('trading', $2, now())", facts[0], STRANGE)
    await asyncio.to_thread(upgrade, "trading", at(fresh.owner_url, name))
    facts.append(await add_fact(admin, datetime.now(UTC)))
    found = await admin.fetch("SELECT id, position FROM events ORDER BY position")
    assert [row["id"] for row in found] == facts
    assert [row["position"] for row in found] == [1, 2, 3, 4, 5]
    assert await admin.fetchval("SELECT count(*) FROM inbox") == 2
    assert await admin.fetchval(WHERE, STRANGE) == "events_other"
    await admin.close()
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


async def test_a_day_is_dropped_only_when_it_is_over(database: Database, admin: "asyncpg.Connection[Any]") -> None:
    async with database.system() as session:
        for day in await days.list_days(session, "events"):
            assert day > TODAY
    with pytest.raises(DBAPIError, match="stay"):
        async with database.system() as session:
            await days.delete_day(session, "events", TODAY + timedelta(days=2))
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.public() as session:
            await days.save_day(session, "events", TODAY + timedelta(days=40))


async def test_what_comes_while_a_day_has_no_room_is_kept_all_the_same(
    database: Database, admin: "asyncpg.Connection[Any]"
) -> None:
    later = datetime(TODAY.year, TODAY.month, TODAY.day, 9, tzinfo=UTC) + timedelta(days=50)
    fact = await add_fact(admin, later, sent=False)
    assert await admin.fetchval(WHERE, fact) == "events_other"
    made = AHEAD_DAYS * 1 + (AHEAD_DAYS + 1)
    assert await keep(database, later.date()) == f"{made} days made, 0 dropped", "that day stays where it is"
    async with database.system() as session:
        assert await session.scalar(text("SELECT count(*) FROM events WHERE id = :id"), {"id": fact}) == 1

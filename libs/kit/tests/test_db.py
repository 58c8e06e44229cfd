"""Transactions: one owner's rows, committed before the answer, nothing left behind by anyone who gave up."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import SimpleNamespace
from uuid import UUID

import asyncpg
import pytest
from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.db import EVENTS_CHANNEL, Database, OwnedSession, after_commit, before_commit, notes
from kit.errors import Unavailable
from kit.events import record
from kit.http import create_service
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from libs.kit.tests.bus import NotePinned

INSERT = text("INSERT INTO notes (id, owner_id, words) VALUES (:id, :owner, :words)")
COUNT = text("SELECT count(*) FROM notes")


async def pin(database: Database, owner: UUID, words: str = "hello") -> None:
    async with database.owned(owner) as session:
        await session.execute(INSERT, {"id": new_id(), "owner": owner, "words": words})


async def seen_by(database: Database, owner: UUID) -> int:
    async with database.owned(owner) as session:
        return int(await session.scalar(COUNT) or 0)


async def pin_as_system(database: Database) -> None:
    async with database.system() as session:
        await session.execute(COUNT)


class TestOwners:
    @pytest.mark.requirement("R-37")
    async def test_an_owner_sees_own_rows_only(self, database: Database) -> None:
        ours, theirs = new_id(), new_id()
        await pin(database, ours)
        assert await seen_by(database, ours) == 1
        assert await seen_by(database, theirs) == 0

    @pytest.mark.requirement("R-37")
    async def test_writing_a_row_for_somebody_else_is_refused(self, database: Database) -> None:
        with pytest.raises(DBAPIError, match="row-level security"):
            async with database.owned(new_id()) as session:
                await session.execute(INSERT, {"id": new_id(), "owner": new_id(), "words": "x"})

    @pytest.mark.requirement("R-37")
    async def test_without_an_owner_reading_is_an_error_and_not_an_empty_answer(self, database: Database) -> None:
        await pin(database, new_id())  # a connection that has served an owner keeps '' behind: that must fail as well
        with pytest.raises(DBAPIError, match=r"app\.owner_id|uuid"):
            async with database.public() as session:
                await session.execute(COUNT)

    async def test_the_worker_role_sees_every_owner(self, database: Database) -> None:
        await pin(database, new_id())
        await pin(database, new_id())
        async with database.system() as session:
            assert await session.scalar(COUNT) == 2

    @pytest.mark.requirement("R-36")
    async def test_not_even_the_tables_own_role_passes_the_policies(self, fresh: TestDatabase) -> None:
        database = Database(fresh.owner_url, fresh.owner_url, pool_size=1)
        try:
            async with database.system() as session:
                assert await session.scalar(COUNT) == 0
        finally:
            await database.close()


class TestTransactions:
    async def test_an_error_undoes_everything(self, database: Database) -> None:
        owner = new_id()

        async def pin_and_fail() -> None:
            async with database.owned(owner) as session:
                await session.execute(INSERT, {"id": new_id(), "owner": owner, "words": "x"})
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await pin_and_fail()
        assert await seen_by(database, owner) == 0

    async def test_a_broken_rule_of_the_database_is_not_mistaken_for_an_outage(self, database: Database) -> None:
        with pytest.raises(IntegrityError):
            await pin(database, new_id(), words="")

    @pytest.mark.requirement("R-29")
    async def test_a_storm_of_cancelled_requests_leaves_no_transaction_and_no_owner_behind(
        self, database: Database
    ) -> None:
        owners = [new_id() for _ in range(4)]
        for owner in owners:
            await pin(database, owner)

        async def read(owner: UUID) -> int:
            return await seen_by(database, owner)

        for round_number in range(40):
            tasks = [asyncio.create_task(read(owner)) for owner in owners]
            await asyncio.sleep(0.0005 * (round_number % 8))
            for task in tasks[:3]:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) or result == 1 for result in results), results
        async with database.system() as session:
            idle = (
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
            )
            assert await session.scalar(text(idle)) == 0

    async def test_a_swallowed_failure_does_not_pass_for_a_commit(self, database: Database) -> None:
        async def swallow() -> None:
            async with database.system() as session:
                with suppress(DBAPIError):
                    await session.execute(text("SELECT 1 / 0"))

        with pytest.raises(AssertionError, match="nothing is saved"):
            await swallow()

    async def test_nor_does_it_with_facts_to_publish_whose_relay_is_told_of_nothing(
        self, database: Database, fresh: TestDatabase
    ) -> None:
        hints: list[str] = []
        relays = await asyncpg.connect(fresh.system_url.replace("+asyncpg", ""))
        await relays.add_listener(EVENTS_CHANNEL, lambda *_: hints.append("hint"))
        owner = new_id()

        async def swallow() -> None:
            async with database.owned(owner) as session:
                await record(session, NotePinned(note_id=new_id(), words="lost"), owner=owner)
                with suppress(DBAPIError):
                    await session.execute(text("SELECT 1 / 0"))

        try:
            with pytest.raises(DBAPIError, match="current transaction is aborted"):
                await swallow()
            async with database.system() as session:
                assert await session.scalar(text("SELECT count(*) FROM events")) == 0
            await relays.execute("SELECT 1")
            assert hints == []
            async with database.owned(owner) as session:
                await record(session, NotePinned(note_id=new_id(), words="kept"), owner=owner)
            await relays.execute("SELECT 1")
            assert hints == ["hint"]
        finally:
            await relays.close()

    async def test_actions_run_before_the_commit_once_and_after_it_only_when_it_happened(
        self, database: Database
    ) -> None:
        told: list[str] = []

        def tell(word: str) -> Callable[[], Awaitable[None]]:
            async def action() -> None:
                told.append(word)

            return action

        async def fail() -> None:
            async with database.system() as session:
                after_commit(session, tell("never"))
                raise RuntimeError

        async with database.system() as session:
            assert notes(session) == {}
            notes(session)["seen"] = 1
            after_commit(session, tell("after"))
            before_commit(session, "key", tell("before"))
            before_commit(session, "key", tell("again"))
        with pytest.raises(RuntimeError):
            await fail()
        async with database.system() as session:
            assert notes(session) == {}
        assert told == ["before", "after"]

    @pytest.mark.requirement("R-31")
    async def test_a_pool_without_a_free_connection_says_come_back_and_not_error(
        self, fresh: TestDatabase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.db.POOL_TIMEOUT_SECONDS", 0.1)
        database = Database(fresh.app_url, fresh.system_url, pool_size=1)
        try:
            async with database.system():
                with pytest.raises(Unavailable):
                    await pin_as_system(database)
        finally:
            await database.close()

    @pytest.mark.requirement("R-23")
    async def test_connections_that_died_in_the_pool_are_replaced(
        self, database: Database, fresh: TestDatabase
    ) -> None:
        owners = [new_id() for _ in range(3)]
        await asyncio.gather(*(pin(database, owner) for owner in owners))
        admin = await asyncpg.connect(fresh.admin_url)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await admin.close()
        await asyncio.sleep(0.1)  # the ends of the lines have to arrive
        for owner in owners:
            assert await seen_by(database, owner) == 1

    async def test_connections_that_the_server_ended_for_their_idleness_are_replaced(self, fresh: TestDatabase) -> None:
        admin = await asyncpg.connect(fresh.admin_url)
        name = await admin.fetchval("SELECT current_database()")
        await admin.execute(f"ALTER DATABASE {name} SET idle_session_timeout = '200ms'")
        database = Database(fresh.app_url, fresh.system_url, pool_size=4)
        owners = [new_id() for _ in range(4)]
        try:
            await asyncio.gather(*(pin(database, owner) for owner in owners))
            mine = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'"
            async with asyncio.timeout(5):
                while await admin.fetchval(mine):  # noqa: ASYNC110 - asks a server
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.2)  # a session is off the server's list a moment before its line ends
            assert await asyncio.gather(*(seen_by(database, owner) for owner in owners)) == [1] * 4
        finally:
            await database.close()
            await admin.close()

    async def test_a_database_that_is_not_there_says_come_back(self, fresh: TestDatabase) -> None:
        nowhere = fresh.app_url.rsplit("@", 1)[0] + "@127.0.0.1:9/none"
        database = Database(nowhere, nowhere, pool_size=1)
        with pytest.raises(Unavailable):
            await database.ping()
        await database.close()


class TestRequests:
    @pytest.mark.requirement("R-29")
    async def test_a_commit_that_fails_is_a_failed_request(self, fresh: TestDatabase, tokens: Tokens) -> None:
        router = APIRouter()

        @router.post("/notes", status_code=201)
        async def add_note(session: OwnedSession, user: CurrentUser) -> dict[str, str]:
            await session.execute(text("CREATE TEMP TABLE later (n int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)"))
            await session.execute(text("INSERT INTO later VALUES (1), (1)"))  # breaks at commit, not before
            return {"status": "saved"}

        @dataclass(frozen=True)
        class Resources:
            database: Database

        @asynccontextmanager
        async def open_resources(_settings: object):  # type: ignore[no-untyped-def]
            opened = Database(fresh.app_url, fresh.system_url, pool_size=2)
            yield Resources(opened)
            await opened.close()

        settings = SimpleNamespace(token_issuer="exodus", token_audience="exodus", jwks_url="")
        app = create_service(
            settings, [router], name="noticeboard", open_resources=open_resources, verifier=tokens.verifier
        )
        async with client(app, tokens.for_user(new_id())) as http:
            answer = await http.post("/notes")
        assert answer.status_code == 500
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "internal_error"

"""The lock of an account: it is counted, it keeps others waiting, and nothing in an account changes without it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from kit.db import Database
from kit.testing.databases import TestDatabase
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from trading.store import accounts

from services.trading.tests.builders import DAY
from services.trading.tests.counted import require_counted
from services.trading.tests.desk import Desk
from services.trading.tests.usecases.test_crash import ACTS, Act


async def desks_of(database: Database, count: int) -> list[Desk]:
    return [await Desk.open(database) for _ in range(count)]


class TestLocks:
    @pytest.mark.parametrize("lock", [accounts.lock, accounts.lock_to_trade], ids=["lock", "lock_to_trade"])
    async def test_a_lock_is_counted_and_keeps_the_next_waiting(
        self, database: Database, lock: Callable[..., Awaitable[Any]]
    ) -> None:
        desk = await Desk.open(database)
        before = await revision(desk)
        release = asyncio.Event()

        async def hold() -> None:
            async with database.owned(desk.owner) as session:
                assert (await lock(session, desk.owner, desk.account_id)).id == desk.account_id
                await release.wait()

        holding = asyncio.create_task(hold())
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(desk.is_locked()), asyncio.create_task(self.all_of(desk))]
        await asyncio.sleep(0.05)
        assert not any(each.done() for each in others)
        release.set()
        await asyncio.gather(holding, *others)
        assert await revision(desk) == before + 3

    async def all_of(self, desk: Desk) -> None:
        async with desk.database.owned(desk.owner) as session:
            await accounts.lock_all(session, desk.owner)

    async def test_all_accounts_are_locked_in_one_sequence_and_no_others(self, database: Database) -> None:
        desk, stranger = await desks_of(database, 2)
        mine = [desk, *[await Desk.open(database, owner=desk.owner) for _ in range(4)]]
        before = [await revision(each) for each in (*mine, stranger)]
        async with database.owned(desk.owner) as session:
            locked = [account.id for account in await accounts.lock_all(session, desk.owner)]
        assert locked == sorted(each.account_id for each in mine)
        assert [await revision(each) for each in (*mine, stranger)] == [*(at + 1 for at in before[:-1]), before[-1]]

    @pytest.mark.requirement("R-10")
    async def test_who_waits_for_a_halt_of_the_platform_holds_no_account(self, database: Database) -> None:
        desk = await Desk.open(database)
        async with database.system() as halting:
            await halting.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": accounts.PLATFORM_LOCK})
            ordering = asyncio.create_task(desk.places())
            await asyncio.sleep(0.05)
            assert not ordering.done()
            async with asyncio.timeout(2):
                await desk.is_locked()
        assert (await ordering).is_open


async def revision(desk: Desk) -> int:
    async with desk.database.system() as session:
        query = text("SELECT revision FROM accounts WHERE owner_id = :owner AND id = :account")
        return int(await session.scalar(query, {"owner": desk.owner, "account": desk.account_id}) or 0)


class TestCounted:
    @pytest.mark.requirement("R-18", "R-20")
    @pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
    async def test_whoever_changes_what_is_in_an_account_has_counted_its_lock(
        self, fresh: TestDatabase, database: Database, act: Callable[[Desk], Awaitable[Act]]
    ) -> None:
        await require_counted(fresh)
        desk = await Desk.open(database)
        await desk.owns(2)
        order, later = await desk.places(quantity=Decimal(1)), DAY + timedelta(days=3)
        await (await act(desk))()
        await desk.fills(order, trade_date=later, settlement_date=later)
        await desk.proves()

    async def test_a_change_without_a_counted_lock_is_found_out(self, fresh: TestDatabase, database: Database) -> None:
        await require_counted(fresh)
        desk = await Desk.open(database)

        async def locks_by_itself() -> None:
            lock = text("SELECT id FROM accounts WHERE id = :account FOR UPDATE")
            async with database.owned(desk.owner) as session:
                await session.execute(lock, {"account": desk.account_id})
                await session.execute(text("UPDATE balances SET available = available + 1"))

        with pytest.raises(DBAPIError, match="its lock was not counted"):
            await locks_by_itself()

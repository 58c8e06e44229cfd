"""Fills booked without a lock, beside whoever locks: nothing is lost, nothing twice, nothing decided on old books."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from typing import Any

import asyncpg
import pytest
from kit.db import Database
from kit.ids import new_id
from sqlalchemy import text
from trading.domain.order import Happening, Order, Status
from trading.errors import AppError
from trading.store import accounts
from trading.store.fills import system
from trading.usecases.withdraw import Withdrawal, withdraw

from services.trading.tests.builders import NOW, a_fill
from services.trading.tests.desk import Desk
from services.trading.tests.test_booker import Worker, a_fill_of, a_read, desks_of, ordered, stored

Act = Callable[[], Awaitable[object]]


async def withdraws(desk: Desk, amount: int) -> None:
    money = Withdrawal(id=new_id(), account_id=desk.account_id, currency="KRW", amount=Decimal(amount))
    async with desk.database.owned(desk.owner) as session:
        await withdraw(session, desk.owner, money, NOW)


@contextmanager
def before_it_writes(monkeypatch: pytest.MonkeyPatch, act: Act) -> Iterator[list[set[Any]]]:
    """Let something happen between what the booker reads and what it writes; what it wrote each time."""
    save, wrote = system.save_decided, []

    async def later(*given: Any) -> Any:
        await act()
        wrote.append(await save(*given))
        return wrote[-1]

    with monkeypatch.context() as patch:
        patch.setattr(system, "save_decided", later)
        yield wrote


async def _nothing(desk: Desk, order: Order) -> None:
    del desk, order


async def _withdraws(desk: Desk, order: Order) -> None:
    del order
    await withdraws(desk, 1_000_000)


async def _asks_to_cancel(desk: Desk, order: Order) -> None:
    await desk.asks_to_cancel(order)


async def _was_canceled(desk: Desk, order: Order) -> None:
    await desk.hears(order, Happening.CANCELED)


async def _sells(desk: Desk, order: Order) -> None:
    del order
    await desk.places(side="sell", quantity=Decimal(1))


async def _is_filled(desk: Desk, order: Order) -> None:
    await desk.fills(order, quantity=Decimal(2))


async def _halts(desk: Desk, order: Order) -> None:
    del order
    await desk.halts("user")


async def _looks(desk: Desk, order: Order) -> None:
    del order
    await desk.is_locked()


MEANWHILE = [_withdraws, _asks_to_cancel, _was_canceled, _sells, _is_filled, _halts, _looks]


class TestBetween:
    @pytest.mark.requirement("R-15", "R-18", "R-20")
    @pytest.mark.parametrize("act", MEANWHILE, ids=lambda act: act.__name__)
    async def test_a_fill_that_was_overtaken_writes_nothing_and_is_booked_on_what_is_there_now(
        self, database: Database, monkeypatch: pytest.MonkeyPatch, act: Callable[[Desk, Order], Awaitable[None]]
    ) -> None:
        worker, desk, beside = Worker(database), *await desks_of(database, 2)
        await desk.owns(5)
        order = await ordered(desk)
        read, other = a_read(desk, a_fill(order, quantity=Decimal(4))), await a_fill_of(beside)
        after: list[Any] = []

        async def meanwhile() -> None:
            await act(desk, order)
            after.append(await stored(desk))

        with before_it_writes(monkeypatch, meanwhile) as wrote:
            assert await worker.book(read, other) == [None, ["done"]]
        assert wrote == [{other.envelope.id}], "who was beside it is booked"
        now, then = await stored(desk), after[0]
        del now["inbox"], then["inbox"]
        assert now == then
        assert await worker.hear(read) == ["done"]
        filled = (await desk.order(order.id)).filled_quantity
        assert filled == (6 if act is _is_filled else 4)
        await desk.proves()
        await beside.proves()

    @pytest.mark.requirement("R-15")
    async def test_an_account_that_somebody_holds_is_passed_by_and_not_waited_for(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker, desk, beside = Worker(database), *await desks_of(database, 2)
        read, other = await a_fill_of(desk), await a_fill_of(beside)
        held, release = asyncio.Event(), asyncio.Event()

        async def hold() -> None:
            async with database.owned(desk.owner) as session:
                await accounts.lock(session, desk.owner, desk.account_id)
                held.set()
                await release.wait()

        holding: list[asyncio.Task[None]] = []

        async def somebody_locks() -> None:
            holding.append(asyncio.create_task(hold()))
            await held.wait()

        async with asyncio.timeout(3):
            with before_it_writes(monkeypatch, somebody_locks):
                assert await worker.book(read, other) == [None, ["done"]]
            waiting = asyncio.create_task(worker.hear(read))
            await asyncio.sleep(0.05)
            assert not waiting.done(), "the ordinary way waits, in the lane of its owner"
            release.set()
            assert await waiting == ["done"]
        await asyncio.gather(*holding)
        await desk.proves()

    async def test_a_lock_that_was_undone_is_no_reason_to_lose_anything(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker, desk = Worker(database), await Desk.open(database)
        read = await a_fill_of(desk)

        async def locks_and_fails() -> None:
            with suppress(ZeroDivisionError):
                async with database.owned(desk.owner) as session:
                    await accounts.lock(session, desk.owner, desk.account_id)
                    raise ZeroDivisionError

        with before_it_writes(monkeypatch, locks_and_fails):
            await worker.hear(read)
        assert await desk.count("executions") == 1
        await desk.proves()

    @pytest.mark.requirement("R-15", "R-18")
    async def test_a_process_of_the_version_before_that_locks_without_counting_is_noticed(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """During a release both versions run for a while."""
        worker, desk = Worker(database), await Desk.open(database)
        await desk.owns(5)
        order = await ordered(desk)
        read = a_read(desk, a_fill(order, quantity=Decimal(4)))
        lock = text("SELECT id FROM accounts WHERE owner_id = :owner AND id = :account FOR UPDATE")
        hold = text("UPDATE positions SET held = held + 1 WHERE owner_id = :owner")

        async def old_version_sells() -> None:
            async with database.owned(desk.owner) as session:
                await session.execute(lock, {"owner": desk.owner, "account": desk.account_id})
                await session.execute(hold, {"owner": desk.owner})

        with before_it_writes(monkeypatch, old_version_sells) as wrote:
            assert await worker.book(read) == [None]
        assert wrote == [set()]
        assert await worker.book(read) == [None], "it shows in the row until somebody counts again"
        assert await worker.hear(read) == ["done"]
        assert (await desk.position()).held == 1

    @pytest.mark.requirement("R-18")
    async def test_a_balance_that_is_not_what_was_told_is_not_written_whatever_the_revision_says(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker, desk = Worker(database), await Desk.open(database)
        read = await a_fill_of(desk)

        async def money_appears() -> None:
            async with database.owned(desk.owner) as session:
                await session.execute(text("UPDATE balances SET available = available + 1"))

        before = await stored(desk)
        with before_it_writes(monkeypatch, money_appears) as wrote:
            assert await worker.book(read) == [None]
        assert wrote == [set()]
        after = await stored(desk)
        for table in ("orders", "executions", "positions", "unsettled", "ledger_entries", "events", "inbox"):
            assert after[table] == before[table], table


class TestPortion:
    @pytest.mark.requirement("R-15")
    async def test_what_cannot_be_written_undoes_the_portion_and_each_is_then_booked_by_itself(
        self, database: Database
    ) -> None:
        worker, desks = Worker(database), await desks_of(database, 3)
        reads = [await a_fill_of(desk) for desk in desks[:2]]
        poisoned = a_read(desks[2], a_fill(await ordered(desks[2]), execution_id="\x00"))
        assert await worker.book(*reads, poisoned) == [None] * 3
        for desk in desks:
            assert await desk.count("executions") == await desk.count("unsettled") == 0
            await desk.proves()
        assert [await worker.hear(read) for read in reads] == [["done"]] * 2
        with pytest.raises(Exception, match="0x00"):
            await worker.hear(poisoned)
        for desk in desks:
            await desk.proves()

    @pytest.mark.requirement("R-15")
    async def test_one_execution_id_in_two_accounts_of_an_owner_is_booked_once(self, database: Database) -> None:
        worker, desk = Worker(database), await Desk.open(database)
        second = await Desk.open(database, owner=desk.owner)
        batch = [a_read(each, a_fill(await ordered(each), execution_id="one")) for each in (desk, second)]
        assert await worker.book(batch) == [None]
        assert await worker.hear(*batch) == ["done", "done"]
        assert await desk.count("executions") == 1

    async def test_who_gives_up_waiting_harms_nobody_and_loses_nothing(self, database: Database) -> None:
        worker, desks = Worker(database), await desks_of(database, 3)
        reads = [await a_fill_of(desk) for desk in desks]
        waiting = [asyncio.create_task(worker.booker.book([read])) for read in reads]
        await asyncio.sleep(0)
        waiting[0].cancel()
        late = asyncio.create_task(worker.booker.book([reads[0]]))
        assert await asyncio.gather(*waiting[1:]) == [["done"], ["done"]]
        if await late is None:
            assert await worker.hear(reads[0]) == ["known"]
        assert await desks[0].count("executions") == 1
        with pytest.raises(asyncio.CancelledError):
            await waiting[0]

    async def test_while_the_database_is_away_everything_is_left_to_the_consumer(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker, desk = Worker(database), await Desk.open(database)
        read = await a_fill_of(desk)

        async def away(*_: Any, **__: Any) -> Any:
            raise OSError("gone")

        with monkeypatch.context() as patch:
            patch.setattr(asyncpg.Connection, "fetchmany", away)
            assert await worker.book(read) == [None]
        assert await worker.book(read) == [["done"]]

    @pytest.mark.requirement("R-12", "R-15")
    @pytest.mark.parametrize("at", range(1, 5))
    async def test_dying_before_and_after_each_statement_books_it_once_or_not_at_all(
        self, database: Database, monkeypatch: pytest.MonkeyPatch, at: int
    ) -> None:
        worker, desk, points = Worker(database), await Desk.open(database), 0
        read = await a_fill_of(desk)
        before, run = await stored(desk), asyncpg.Connection.fetchmany

        def pass_point() -> None:
            nonlocal points
            points += 1
            if points == at:
                raise ConnectionResetError

        async def dying(self: Any, *given: Any, **options: Any) -> Any:
            pass_point()
            rows = await run(self, *given, **options)
            pass_point()
            return rows

        with monkeypatch.context() as patch:
            patch.setattr(asyncpg.Connection, "fetchmany", dying)
            assert await worker.book(read) == [None]
        assert (await stored(desk) == before) == (at < 4)
        assert await worker.hear(read) == ["done" if at < 4 else "known"]
        assert await desk.count("executions") == 1
        assert (await desk.announced()).count("fill.booked") == 1
        await desk.proves()


class Crowd:
    """What goes on in accounts all at once."""

    def __init__(self, worker: Worker) -> None:
        self.worker, self.chance = worker, random.Random(158)
        self.together = self.alone = 0

    async def trades(self, desk: Desk) -> None:
        """Orders, each filled in two parts."""
        for _ in range(12):
            order = await desk.places(side=self.chance.choice(["buy", "sell"]), quantity=Decimal(4))
            if order.status is Status.DENIED:
                continue
            for part in (1, 3):
                read = a_read(desk, a_fill(order, quantity=Decimal(part)))
                if await self.worker.booker.book([read]) is not None:
                    self.together += 1
                else:
                    self.alone += 1
                    assert await self.worker.hear(read, ordinary=True) == ["done"]

    async def meddles(self, desk: Desk) -> None:
        """Withdrawals, cancels, and locks for nothing."""
        for _ in range(25):
            await asyncio.sleep(self.chance.random() / 50)
            act = self.chance.choice([self._withdraws, self._cancels, Desk.is_locked])
            with suppress(AppError):
                await act(desk)

    async def _withdraws(self, desk: Desk) -> None:
        await withdraws(desk, 1_000)

    async def _cancels(self, desk: Desk) -> None:
        order = await desk.places(quantity=Decimal(1))
        await desk.hears(await desk.asks_to_cancel(order), Happening.CANCELED)


@pytest.mark.requirement("R-15", "R-18", "R-20")
async def test_however_fills_orders_withdrawals_and_cancels_meet_the_ledger_proves(database: Database) -> None:
    crowd, desks = Crowd(Worker(database)), await desks_of(database, 3)
    for desk in desks:
        await desk.owns(50)
    await asyncio.gather(*(act(desk) for desk in desks for act in (crowd.trades, crowd.trades, crowd.meddles)))
    for desk in desks:
        await desk.proves()
    assert crowd.together > 0, "some went together"
    assert crowd.alone > 0, "some were overtaken"

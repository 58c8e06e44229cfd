"""Fills that come at once are booked at once: as the ordinary way books them, each once, and none harms another."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from kit.clock import now
from kit.consumer import Consumer, Later, Read, Subscriptions, take
from kit.db import Database, Session
from kit.events import Envelope
from kit.ids import new_id
from kit.testing.round_trips import RelayHere, counted
from sqlalchemy import text
from trading.booker import PORTION_MAX, Booker
from trading.domain.order import Happening, Illegal, Order, Status
from trading.domain.request import Execution
from trading.subscriptions import EXECUTED, subscriptions

from services.trading.tests.builders import DAY, NOW, a_fill
from services.trading.tests.contracts.test_events import example
from services.trading.tests.desk import Desk

TABLES = ("accounts", "balances", "orders", "executions", "positions", "unsettled", "ledger_entries", "events")
ANEW = {
    "accounts": (),
    "executions": ("booked",),
    "ledger_entries": ("position",),
    "events": ("position", "id", "occurred_at"),
}
"""What is numbered or named anew whenever it is written."""


def a_read(desk: Desk, execution: Execution, **changes: Any) -> Read:
    """A fill as the consumer hands it over."""
    message = {**example(EXECUTED), "id": new_id(), "owner": desk.owner, "correlation_id": new_id(), "time": NOW}
    fields = {name: getattr(execution, name) for name in Execution.__dataclass_fields__}
    envelope = Envelope.model_validate({**message, "data": {**message["data"], **fields}, **changes})
    subscription = subscriptions.handlers[EXECUTED]
    return Read(envelope, subscription, subscription.model.model_validate(envelope.data))


class Worker:
    """What the worker does with a batch: the booker's way, and the ordinary one for what that leaves."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.booker = Booker(database, now)
        self._subscriptions = Subscriptions(subscriptions.consumer)

    async def book(self, *batches: Read | Sequence[Read]) -> list[list[str] | None]:
        """What the booker says when it is given these at once."""
        asked = (self.booker.book([each] if isinstance(each, Read) else each) for each in batches)
        return list(await asyncio.gather(*asked))

    async def hear(self, *batch: Read, ordinary: bool = False) -> list[str]:
        """What becomes of messages."""
        self._subscriptions.gathered = None if ordinary else self.booker.book
        return await Consumer(self._subscriptions, self, "")._handle_together(batch)

    async def would_write(self, read: Read) -> dict[str, list[dict[str, Any]]]:
        """Everything of an owner as it were if the ordinary way handled a message."""
        assert read.envelope.owner is not None
        try:
            async with self.database.system() as session:
                with read.begun():
                    await take(session, read.envelope.id, subscriptions.consumer)
                    await read.subscription.handler(session, read.fact, read.envelope)
                found = await rows_of(session, read.envelope.owner)
                raise Undone  # noqa: TRY301
        except Undone:
            return found


class Undone(Exception):
    """Nothing of it was meant."""


async def rows_of(session: Session, owner: UUID) -> dict[str, list[dict[str, Any]]]:
    """Everything there is of an owner, in the order of the first columns, without what is made anew each time."""
    found: dict[str, list[dict[str, Any]]] = {}
    for table in TABLES:
        columns = "position" if table in {"events", "ledger_entries"} else "1, 2, 3, 4"
        query = text(f"SELECT * FROM {table} WHERE owner_id = :owner ORDER BY {columns}")
        rows = [dict(row._mapping) for row in await session.execute(query, {"owner": owner})]
        found[table] = [{key: row[key] for key in row if key not in ANEW.get(table, ())} for row in rows]
    query = text("SELECT consumer, message_id FROM inbox ORDER BY 1, 2")
    found["inbox"] = [dict(row._mapping) for row in await session.execute(query)]
    return found


async def stored(desk: Desk) -> dict[str, list[dict[str, Any]]]:
    async with desk.database.system() as session:
        return await rows_of(session, desk.owner)


def revision_in(rows: dict[str, list[dict[str, Any]]]) -> int:
    """How often the account has been locked; taken out."""
    return int(rows["accounts"][0].pop("revision"))


async def desks_of(database: Database, count: int) -> list[Desk]:
    return [await Desk.open(database) for _ in range(count)]


async def ordered(desk: Desk, quantity: int = 10, **changes: Any) -> Order:
    return await desk.hears(await desk.places(quantity=Decimal(quantity), **changes), Happening.ACCEPTED)


async def a_fill_of(desk: Desk, quantity: int = 10, **changes: Any) -> Read:
    """A new order of somebody's, and all of it filled."""
    return a_read(desk, a_fill(await ordered(desk, quantity), **changes))


class TestTogether:
    @pytest.mark.requirement("R-15", "R-18", "R-57")
    async def test_what_is_written_is_what_the_ordinary_way_would_have_written(self, database: Database) -> None:
        worker, desks = Worker(database), await desks_of(database, 3)
        for side, quantity, parts in (("buy", 10, (3, 7)), ("buy", 5, (5,)), ("sell", 12, (4, 7)), ("sell", 3, (3,))):
            orders = [await ordered(desk, quantity, side=side) for desk in desks]
            for part in parts:
                reads = [
                    a_read(desk, a_fill(order, quantity=Decimal(part), tax=Decimal(part), price=Decimal(56_000 + at)))
                    for at, (desk, order) in enumerate(zip(desks, orders, strict=True))
                ]
                expected = [await worker.would_write(read) for read in reads]
                await asyncio.gather(*(desk.is_locked() for desk in desks))  # a lock that was undone is seen in its row
                assert await worker.book(*reads) == [["done"]] * 3
                found = [await stored(desk) for desk in desks]
                for was, would in zip(found, expected, strict=True):
                    del was["inbox"], would["inbox"]  # here are the others' as well
                    assert revision_in(was) == revision_in(would) + 1, "by that lock"
                    assert was == would
        for desk in desks:
            await desk.proves()
            assert (await desk.position()).quantity == 1

    @pytest.mark.requirement("R-57")
    async def test_each_fact_is_its_owners_and_a_part_of_what_its_message_is_a_part_of(
        self, database: Database
    ) -> None:
        worker, desks = Worker(database), await desks_of(database, 4)
        reads = [await a_fill_of(desk) for desk in desks]
        await worker.book(*reads)
        query = text("SELECT * FROM events WHERE type = 'trading.fill.booked.v1' ORDER BY owner_id")
        async with database.system() as session:
            facts = list(await session.execute(query))
            shared = await session.scalar(text("SELECT count(DISTINCT xmin::text) FROM executions"))
        assert shared == 1
        for fact, read in zip(facts, sorted(reads, key=lambda each: str(each.envelope.owner)), strict=True):
            message = read.envelope
            assert (fact.owner_id, fact.correlation_id) == (message.owner, message.correlation_id)
            assert (fact.causation_id, fact.data["order_id"]) == (message.id, str(message.data["order_id"]))

    async def test_a_portion_takes_two_round_trips_and_what_comes_meanwhile_waits_for_the_next(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker, desks = Worker(database), await desks_of(database, PORTION_MAX + 3)
        database.wake_here(RelayHere())
        await worker.book(*[await a_fill_of(desk) for desk in desks])  # statements are prepared
        reads = [await a_fill_of(desk) for desk in desks]
        with counted(monkeypatch) as asked:
            assert await worker.book(*reads[:1]) == [["done"]]
            assert len(asked) == 2, asked
            assert await worker.book(*reads[1 : PORTION_MAX + 1]) == [["done"]] * PORTION_MAX
            assert len(asked) == 4, asked
        again = [await a_fill_of(desk) for desk in desks]
        with counted(monkeypatch) as asked:
            assert await worker.book(*again) == [["done"]] * len(desks)
            assert len(asked) == 4, asked

    async def test_fills_of_one_account_follow_one_another_in_portions(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker, desk, other = Worker(database), *await desks_of(database, 2)
        database.wake_here(RelayHere())
        async with database.system():
            order = await ordered(desk, 10)  # and a connection of the worker's role is there
        whole = await a_fill_of(other)
        parts = [a_read(desk, a_fill(order, quantity=Decimal(part))) for part in (1, 2, 7)]
        with counted(monkeypatch) as asked:
            assert await worker.book(parts, whole) == [["done"] * 3, ["done"]]
        assert asked == ["fetchmany"] * 6
        assert (await desk.order(order.id)).status is Status.FILLED
        await desk.proves()

    async def test_a_booked_fill_wakes_the_relay(self, database: Database) -> None:
        worker, desk = Worker(database), await Desk.open(database)
        read, relay = await a_fill_of(desk), RelayHere()
        database.wake_here(relay)
        assert await worker.book(read) == [["done"]]
        assert relay.woken == 1
        assert await worker.book(read) == [None]
        assert relay.woken == 1


class TestOrdinary:
    """What is not plain is left to the ordinary way, which finds it as it was."""

    @pytest.mark.requirement("R-15")
    async def test_a_message_that_comes_again_and_an_execution_told_of_twice_change_nothing(
        self, database: Database
    ) -> None:
        worker, desk = Worker(database), await Desk.open(database)
        order = await ordered(desk)
        fill = a_fill(order, quantity=Decimal(4))
        read, again = a_read(desk, fill), a_read(desk, fill)
        assert await worker.hear(read) == ["done"]
        before = await stored(desk)
        assert await worker.book(read, again) == [None, None]
        assert await worker.hear(read) == ["known"]
        assert await worker.hear(again, again) == ["done", "known"]
        after = await stored(desk)
        assert len(after.pop("inbox")) == len(before.pop("inbox")) + 1
        assert (revision_in(before), revision_in(after)) == (3, 4), "the second was looked at, under a lock"
        assert before == after

    @pytest.mark.requirement("R-15")
    async def test_the_same_message_twice_in_one_batch_is_booked_once(self, database: Database) -> None:
        worker, desk = Worker(database), await Desk.open(database)
        read = a_read(desk, a_fill(await ordered(desk), quantity=Decimal(4)))
        assert await worker.hear(read, read) == ["known", "known"], "the second was left, and by then both were known"
        assert await desk.count("executions") == 1
        await desk.proves()

    async def test_an_order_that_is_not_there_or_not_in_this_account_is_waited_for(self, database: Database) -> None:
        worker, desk, other = Worker(database), *await desks_of(database, 2)
        order = await ordered(desk)
        early = a_read(desk, a_fill(order, order_id=new_id()))
        elsewhere = a_read(desk, a_fill(order, account_id=other.account_id))
        strange = a_read(other, a_fill(order))
        for read in (early, elsewhere, strange):
            assert await worker.book(read) == [None]
            with pytest.raises(Later):
                await worker.hear(read)
        assert await desk.count("executions") == await other.count("executions") == 0

    async def test_exits_pairs_strangers_and_what_is_due_are_left(self, database: Database) -> None:
        worker, desk = Worker(database), await Desk.open(database)
        bracket = await ordered(desk, 10, take_profit_price=Decimal(60_000))
        part = a_read(desk, a_fill(bracket, quantity=Decimal(4)))
        assert await worker.book(part) == [["done"]], "nothing follows while it is open"
        rest = a_read(desk, a_fill(bracket, quantity=Decimal(6)))
        assert await worker.book(rest) == [None]
        assert await worker.hear(rest) == ["done"]
        assert await desk.count("orders") == 2
        later = DAY + timedelta(days=2)
        due = await a_fill_of(desk, trade_date=later, settlement_date=later + timedelta(days=2))
        assert await worker.book(due) == [None]
        assert await worker.hear(due) == ["done"]
        assert (await desk.announced())[-2:] == ["balance.changed", "fill.booked"]
        await desk.proves()

    async def test_what_cannot_have_happened_harms_nobody_beside_it(self, database: Database) -> None:
        worker, desk, other = Worker(database), *await desks_of(database, 2)
        order = await ordered(desk)
        too_much = a_read(desk, replace(a_fill(order), quantity=Decimal(11)))
        assert await worker.book(too_much, await a_fill_of(other)) == [None, ["done"]]
        with pytest.raises(Illegal):
            await worker.hear(too_much)
        await desk.proves()

    async def test_other_messages_are_left_and_so_is_a_batch_with_one_of_them(self, database: Database) -> None:
        worker, desk = Worker(database), await Desk.open(database)
        fill = await a_fill_of(desk)
        expired = Envelope.model_validate(example("broker.order.expired.v1") | {"owner": desk.owner})
        subscription = subscriptions.handlers[expired.type]
        other = Read(expired, subscription, subscription.model.model_validate(expired.data))
        assert await worker.book([fill, other], other) == [None, None]
        assert await desk.count("executions") == 0

"""The stream on the real database: gapless and in the order of commits, whoever writes at the same time."""

import asyncio
from collections.abc import Sequence

import pytest
from kit.db import Database, before_commit
from kit.ids import new_id
from notification.domain.notice import Notice
from notification.domain.owner import OwnerId
from notification.domain.stream import Bounds
from notification.store import stream
from notification.store.stream import Numbered
from sqlalchemy import text

from services.notification.tests.people import tell

NOTICE = Notice("order_filled", "Bought 10 005930", "Fee 83.", {"symbol": "005930"})


async def tell_one(database: Database, owner: OwnerId, number: int, notice: Notice | None = None) -> None:
    async with database.owned(owner) as session:
        tell(session, owner, number, notice)


@pytest.mark.requirement("R-14")
async def test_what_happens_in_one_transaction_is_one_statement_and_one_hint_after_it(database: Database) -> None:
    owner, hints = OwnerId(new_id()), list[Sequence[Numbered]]()
    await tell_one(database, owner, 0)
    async with database.owned(owner) as session:
        for number in range(1, 31):
            tell(session, owner, number, NOTICE, publish=lambda _owner, entries: hints.append(entries))
        assert await stream.find_bounds(session, owner) == Bounds(1, 1), "written at the end, not one by one"
    assert [entry.seq for entry in hints[0]] == list(range(2, 62))
    assert len(hints) == 1
    async with database.owned(owner) as session:
        assert [(each.seq, each.type) for each in await stream.list_after(session, owner, 1, 100)] == [
            (each.seq, each.type) for each in hints[0]
        ]
        numbers = await session.scalars(text("SELECT data -> 'number' FROM stream WHERE type = 'order' ORDER BY seq"))
        assert list(numbers) == list(range(31))
        commands = "SELECT count(DISTINCT (xmin::text, cmin::text)) FROM stream WHERE seq > 1"
        assert await session.scalar(text(commands)) == 1
        assert await session.scalar(text("SELECT count(*) FROM notifications")) == 30


async def test_owners_told_in_one_transaction_get_their_own_numbers(database: Database) -> None:
    first, second = OwnerId(new_id()), OwnerId(new_id())
    async with database.system() as session:
        for owner in (first, second, first):
            tell(session, owner)
    for owner, last in ((first, 2), (second, 1)):
        async with database.owned(owner) as session:
            assert await stream.find_bounds(session, owner) == Bounds(1, last)


@pytest.mark.requirement("R-14")
async def test_concurrent_writers_leave_no_gap_and_a_reader_never_overtakes_one(database: Database) -> None:
    owner, writers, each = OwnerId(new_id()), 4, 20
    seen: list[int] = []

    async def write(writer: int) -> None:
        for number in range(each):
            await tell_one(database, owner, writer * each + number)

    async def read() -> None:
        while len(seen) < writers * each:
            async with database.owned(owner) as session:
                found = await stream.list_after(session, owner, seen[-1] if seen else 0, 100)
            seen.extend(entry.seq for entry in found)

    await asyncio.wait_for(asyncio.gather(read(), *(write(writer) for writer in range(writers))), 60)
    assert seen == list(range(1, writers * each + 1))


async def test_a_transaction_that_fails_takes_its_number_back(database: Database) -> None:
    owner, hints = OwnerId(new_id()), list[Sequence[Numbered]]()

    async def fail_at_the_end() -> None:
        async with database.owned(owner) as session:
            tell(session, owner, 2, NOTICE, publish=lambda _owner, entries: hints.append(entries))

            async def fail() -> None:
                raise RuntimeError

            before_commit(session, "fail", fail)

    await tell_one(database, owner, 1)
    with pytest.raises(RuntimeError):
        await fail_at_the_end()
    assert not hints
    await tell_one(database, owner, 2)
    async with database.owned(owner) as session:
        assert await stream.find_bounds(session, owner) == Bounds(1, 2)
        assert await session.scalar(text("SELECT count(*) FROM notifications")) == 0


async def test_each_owner_has_own_numbers(database: Database) -> None:
    first, second = OwnerId(new_id()), OwnerId(new_id())
    for owner in (first, second, first):
        await tell_one(database, owner, 0)
    async with database.owned(first) as session:
        assert await stream.find_bounds(session, first) == Bounds(1, 2)
    async with database.owned(second) as session:
        assert await stream.find_bounds(session, second) == Bounds(1, 1)
    async with database.owned(OwnerId(new_id())) as session:
        assert await stream.find_bounds(session, OwnerId(new_id())) == Bounds(1, 0)


async def test_a_notice_is_on_the_stream_as_it_is_in_the_inbox(database: Database) -> None:
    owner = OwnerId(new_id())
    await tell_one(database, owner, 1, NOTICE)
    async with database.owned(owner) as session:
        rows = (await session.execute(text("SELECT type, data FROM stream ORDER BY seq"))).all()
        kept = (await session.execute(text("SELECT * FROM notifications"))).one()
    assert [row.type for row in rows] == ["order", "notice"]
    told = rows[1].data
    assert (told["id"], told["kind"], told["title"]) == (str(kept.id), "order_filled", "Bought 10 005930")
    assert told["created_at"].endswith("Z")
    assert told["read_at"] is None

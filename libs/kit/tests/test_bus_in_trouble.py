"""A bus that is cut off, silent or choosy, and readers that take over: nothing is lost, nothing out of turn.

tests/integration/faults/test_broken_edges.py has the same with a whole platform, and a bus that takes no more.
"""

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import aio_pika
import pytest
from kit import amqp
from kit.consumer import Consumer, Subscriptions
from kit.db import Database, Session, after_commit
from kit.events import Envelope, record
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.edges import Edge, Fault
from kit.testing.serving import free_port
from kit.testing.tasks import ended
from sqlalchemy import text

from libs.kit.tests.bus import (
    NotePinned,
    PinnedFact,
    Reader,
    a_relay,
    an_envelope,
    keep_note,
    pin,
    publish_all,
    running,
    wait_for_queue,
)

OWNERS = 4
FACTS_EACH = 40
PATIENCE_SECONDS = 90


@pytest.fixture
def edge(amqp_url: str) -> Iterator[Edge]:
    """A proxy before the bus that can be broken."""
    target = urlsplit(amqp_url).port
    assert target is not None
    made = Edge(free_port(), target)
    yield made
    made.close()


def through(edge: Edge, amqp_url: str) -> str:
    there = urlsplit(amqp_url)
    return amqp_url.replace(f"{there.hostname}:{there.port}", f"127.0.0.1:{edge.port}")


@pytest.mark.requirement("R-13")
@pytest.mark.parametrize("fault", Fault)
async def test_what_is_recorded_while_the_bus_is_out_of_reach_arrives_once_and_in_its_owners_order(
    reader: Reader, fresh: TestDatabase, amqp_url: str, edge: Edge, fault: Fault
) -> None:
    database, heard = reader.database, defaultdict[UUID | None, list[str]](list)

    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    async def remember(session: Session, fact: PinnedFact, message: Envelope) -> None:
        async def tell() -> None:
            heard[message.owner].append(fact.words)

        after_commit(session, tell)

    owners = [new_id() for _ in range(OWNERS)]
    words = [str(number) for number in range(FACTS_EACH)]
    relay = a_relay(fresh, through(edge, amqp_url), database)
    async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
        await wait_for_queue(amqp_url, f"{reader.subscriptions.consumer}.events")
        async with running(relay.run()):
            for number, owner in itertools.product(words, owners):
                if number == words[FACTS_EACH // 4]:
                    edge.inflict(fault)
                await pin(database, owner, number)
            edge.heal()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while await unsent(database):  # noqa: ASYNC110 - asks a database
                    await asyncio.sleep(0.05)
                while any(len(heard[owner]) < FACTS_EACH for owner in owners):  # noqa: ASYNC110 - another task hears
                    await asyncio.sleep(0.02)
    assert dict(heard) == dict.fromkeys(owners, words)


async def unsent(database: Database) -> int:
    async with database.system() as session:
        return int(await session.scalar(text("SELECT count(*) FROM events WHERE published_at IS NULL")) or 0)


@pytest.mark.requirement("R-13")
async def test_a_fact_for_which_there_is_no_queue_waits_for_one(
    reader: Reader, fresh: TestDatabase, amqp_url: str
) -> None:
    database = reader.database
    kind = f"noticeboard.note.hung_up_{uuid4().hex[:12]}.v1"

    class NoteHungUp(NotePinned):
        TYPE: ClassVar[str] = kind

    @reader.subscriptions.on(kind, PinnedFact)
    async def remember(_session: Session, fact: PinnedFact, _message: Envelope) -> None:
        reader.seen.append(fact.words)

    async with running(a_relay(fresh, amqp_url, database).run()):
        async with database.owned(owner := new_id()) as session:
            await record(session, NoteHungUp(note_id=new_id(), words="early"), owner=owner)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await tried_in_vain(database):  # noqa: ASYNC110 - asks a database
                await asyncio.sleep(0.02)
        async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
            assert await reader.until(1) == ["early"]


async def tried_in_vain(database: Database) -> int:
    async with database.system() as session:
        return int(await session.scalar(text("SELECT count(*) FROM events WHERE retry_at IS NOT NULL")) or 0)


@pytest.mark.requirement("R-16")
async def test_readers_that_take_over_from_one_another_handle_each_message_once_and_in_its_owners_order(
    reader: Reader, amqp_url: str
) -> None:
    consumer, database, active = reader.subscriptions.consumer, reader.database, list[int]()

    def a_reader(number: int) -> Consumer:
        subscriptions = Subscriptions(consumer)

        @subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
        async def keep(session: Session, fact: PinnedFact, message: Envelope) -> None:
            await keep_note(reader, session, fact, message)
            active.append(number)

        return Consumer(subscriptions, reader, amqp_url)

    owners = [new_id() for _ in range(OWNERS)]
    words = [str(number) for number in range(3 * FACTS_EACH)]
    messages = [an_envelope(word, owner) for word, owner in itertools.product(words, owners)]
    readers = {number: asyncio.create_task(a_reader(number).run()) for number in range(3)}
    await wait_for_queue(amqp_url, f"{consumer}.events")
    telling = asyncio.create_task(publish_all(amqp_url, messages))
    async with asyncio.timeout(PATIENCE_SECONDS):
        for share in (4, 2):
            while len(active) < len(messages) // share:  # noqa: ASYNC110 - another task handles
                await asyncio.sleep(0.001)
            await ended(readers.pop(active[-1]))
        await telling
        while sum(map(len, (kept := await kept_of(database)).values())) < len(messages):  # noqa: ASYNC110 - a database
            await asyncio.sleep(0.05)
    await ended(*readers.values())
    assert kept == dict.fromkeys(owners, words)
    turns = [number for number, _ in itertools.groupby(active)]
    assert sorted(turns) == [0, 1, 2], "each in its turn"


async def kept_of(database: Database) -> dict[UUID, list[str]]:
    """The words of each owner's notes, in the order in which they were kept."""
    kept = defaultdict[UUID, list[str]](list)
    async with database.system() as session:
        for row in await session.execute(text("SELECT owner_id, words FROM notes ORDER BY id")):
            kept[row.owner_id].append(row.words)
    return dict(kept)


@pytest.mark.requirement("R-16")
async def test_a_queue_of_an_earlier_version_is_read_as_it_is(reader: Reader, amqp_url: str) -> None:
    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    async def remember(_session: Session, fact: PinnedFact, _message: Envelope) -> None:
        reader.seen.append(fact.words)

    name = f"{reader.subscriptions.consumer}.events"
    async with await amqp.connect(amqp_url, "an earlier version") as connection:
        channel = await connection.channel()
        await channel.declare_queue(name, durable=True, arguments={"x-queue-type": "quorum"})
        left_over = aio_pika.Message(an_envelope("left over").model_dump_json().encode())
        await channel.default_exchange.publish(left_over, name)
    async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
        assert await reader.until(1) == ["left over"]


async def test_a_reader_whose_queue_is_deleted_makes_it_anew_and_reads_on(reader: Reader, amqp_url: str) -> None:
    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    async def remember(_session: Session, fact: PinnedFact, _message: Envelope) -> None:
        reader.seen.append(fact.words)

    name = f"{reader.subscriptions.consumer}.events"
    async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
        await wait_for_queue(amqp_url, name)
        async with await amqp.connect(amqp_url, "a careless operator") as connection:
            await (await connection.channel()).queue_delete(name)
        await wait_for_queue(amqp_url, name)
        await publish_all(amqp_url, [an_envelope("after all")])
        assert await reader.until(1) == ["after all"]

"""Events leave by the relay and arrive by the consumer: once in effect, in order, or as a dead letter."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID, uuid4

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage
from kit import amqp
from kit.consumer import Consumer, Lane, Later, Subscriptions
from kit.db import Database, Session, after_commit
from kit.events import Envelope, Event, record
from kit.ids import new_id
from kit.relay import Relay
from kit.settings import ServiceSettings
from kit.testing.databases import TestDatabase
from kit.testing.tasks import ended
from prometheus_client import REGISTRY
from pydantic import BaseModel
from sqlalchemy import text

INSERT = text("INSERT INTO notes (id, owner_id, words) VALUES (:id, :owner, :words)")


class NotePinned(Event):
    """A note was pinned to the board."""

    TYPE: ClassVar[str] = "noticeboard.note.pinned.v1"
    SUBJECT: ClassVar[str] = "note_id"
    note_id: UUID
    words: str


class NoteTornOff(NotePinned):
    """A note is not to be pinned after all."""

    TYPE: ClassVar[str] = "noticeboard.note.torn_off.v1"
    URGENT: ClassVar[bool] = True


class PinnedFact(BaseModel):
    words: str


@dataclass
class Reader:
    """A consumer with a queue of its own, and what it has seen."""

    database: Database
    subscriptions: Subscriptions = field(default_factory=lambda: Subscriptions(f"test-{uuid4().hex[:12]}"))
    seen: list[str] = field(default_factory=list)

    async def until(self, count: int) -> list[str]:
        async with asyncio.timeout(60):
            while len(self.seen) < count:  # noqa: ASYNC110 - what we wait for happens in another task's list
                await asyncio.sleep(0.02)
        return self.seen


@asynccontextmanager
async def running(*tasks: object) -> AsyncIterator[None]:
    started = [asyncio.create_task(task) for task in tasks]  # type: ignore[arg-type]
    try:
        yield
    finally:
        await ended(*started)


def a_relay(fresh: TestDatabase, amqp_url: str, database: Database) -> Relay:
    settings = ServiceSettings(
        environment="test",
        http_port=1,
        worker_port=2,
        database_url=fresh.app_url,  # type: ignore[arg-type]
        system_database_url=fresh.system_url,  # type: ignore[arg-type]
        amqp_url=amqp_url,  # type: ignore[arg-type]
        redis_url="redis://",  # type: ignore[arg-type]
        jwks_url="",
    )
    return Relay(settings, database, "noticeboard")


async def pin(database: Database, owner: UUID, words: str) -> None:
    async with database.owned(owner) as session:
        note = new_id()
        await session.execute(INSERT, {"id": note, "owner": owner, "words": words})
        await record(session, NotePinned(note_id=note, words=words), owner=owner)


async def wait_for_queue(amqp_url: str, name: str) -> None:
    """A queue that is not declared yet would miss what is published before it."""
    connection = await amqp.connect(amqp_url, "test")
    async with connection:
        async with asyncio.timeout(30):
            while True:
                channel = await connection.channel()
                try:
                    await channel.get_queue(name, ensure=True)
                except aio_pika.exceptions.AMQPError:
                    await asyncio.sleep(0.05)
                else:
                    break
        await asyncio.sleep(0.2)


@pytest.fixture
def reader(database: Database) -> Reader:
    return Reader(database)


@pytest.mark.requirement("R-12", "R-15")
async def test_a_fact_reaches_a_handler_in_one_transaction_with_its_inbox_row(
    reader: Reader, fresh: TestDatabase, amqp_url: str
) -> None:
    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    async def copy(session: Session, fact: PinnedFact, message: Envelope) -> None:
        await session.execute(INSERT, {"id": new_id(), "owner": message.owner, "words": f"copy of {fact.words}"})
        reader.seen.append(fact.words)

    owner = new_id()
    consumer = Consumer(reader.subscriptions, reader, amqp_url)
    async with running(consumer.run()):
        await wait_for_queue(amqp_url, f"{reader.subscriptions.consumer}.events")
        async with running(a_relay(fresh, amqp_url, reader.database).run()):
            for number in range(30):
                await pin(reader.database, owner, str(number))
            assert await reader.until(30) == [str(number) for number in range(30)], "one owner's facts keep their order"
            await asyncio.sleep(0.2)
    async with reader.database.system() as session:
        assert await session.scalar(text("SELECT count(*) FROM inbox")) == 30
        assert await session.scalar(text("SELECT count(*) FROM events WHERE published_at IS NULL")) == 0
    caught_up = REGISTRY.get_sample_value("events_caught_up_timestamp_seconds", {"source": "noticeboard"})
    assert caught_up is not None
    assert time.time() - caught_up < 5, "nothing was left to publish a moment ago"


@pytest.mark.requirement("R-10")
async def test_an_urgent_fact_overtakes_what_still_waits_to_be_published(
    reader: Reader, fresh: TestDatabase, amqp_url: str
) -> None:
    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    @reader.subscriptions.on("noticeboard.note.torn_off.v1", PinnedFact)
    async def remember(_session: Session, fact: PinnedFact, _message: Envelope) -> None:
        reader.seen.append(fact.words)

    owner = new_id()
    async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
        await wait_for_queue(amqp_url, f"{reader.subscriptions.consumer}.events")
        for number in range(300):
            await pin(reader.database, owner, str(number))
        async with reader.database.owned(owner) as session:
            await record(session, NoteTornOff(note_id=new_id(), words="first of all"), owner=owner)
        async with running(a_relay(fresh, amqp_url, reader.database).run()):
            assert await reader.until(301) == ["first of all", *(str(number) for number in range(300))]


@pytest.mark.requirement("R-14")
async def test_a_fact_whose_transaction_commits_last_is_not_skipped(
    reader: Reader, fresh: TestDatabase, amqp_url: str
) -> None:
    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    async def remember(_session: Session, fact: PinnedFact, _message: Envelope) -> None:
        reader.seen.append(fact.words)

    early, late = new_id(), new_id()
    async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
        await wait_for_queue(amqp_url, f"{reader.subscriptions.consumer}.events")
        async with running(a_relay(fresh, amqp_url, reader.database).run()):
            async with reader.database.owned(early) as session:
                await record(session, NotePinned(note_id=new_id(), words="began first"), owner=early)
                await pin(reader.database, late, "committed first")
                await reader.until(1)
            assert sorted(await reader.until(2)) == ["began first", "committed first"]


@pytest.mark.requirement("R-15")
async def test_a_message_delivered_twice_acts_once(reader: Reader, amqp_url: str) -> None:
    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    async def remember(_session: Session, fact: PinnedFact, _message: Envelope) -> None:
        reader.seen.append(fact.words)

    async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
        await wait_for_queue(amqp_url, f"{reader.subscriptions.consumer}.events")
        owner, twice = new_id(), an_envelope("twice")
        for envelope in (twice, twice, an_envelope("once", owner)):
            await publish(amqp_url, envelope)
        await reader.until(2)
        await asyncio.sleep(0.3)
    assert sorted(reader.seen) == ["once", "twice"]


@pytest.mark.requirement("R-17")
async def test_a_poisoned_message_becomes_a_dead_letter_and_the_next_one_is_handled(
    reader: Reader, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.consumer.PAUSE_SECONDS_MAX", 0.05)

    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    async def choke(_session: Session, fact: PinnedFact, _message: Envelope) -> None:
        if fact.words == "poison":
            raise RuntimeError("cannot swallow this")
        reader.seen.append(fact.words)

    owner, consumer = new_id(), reader.subscriptions.consumer
    async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
        await wait_for_queue(amqp_url, f"{consumer}.events")
        for words in ("poison", "food"):
            await publish(amqp_url, an_envelope(words, owner))
        assert await reader.until(1) == ["food"]
    dead = await first_message(amqp_url, f"{consumer}.dead")
    assert Envelope.model_validate_json(dead).data["words"] == "poison"


async def test_a_message_that_came_too_early_is_tried_until_its_time_has_come(reader: Reader, amqp_url: str) -> None:
    tries = 0

    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    async def wait_for_the_other(_session: Session, fact: PinnedFact, _message: Envelope) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise Later("the other one is not here yet")
        reader.seen.append(fact.words)

    async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
        await wait_for_queue(amqp_url, f"{reader.subscriptions.consumer}.events")
        await publish(amqp_url, an_envelope("patience"))
        assert await reader.until(1) == ["patience"]
    assert tries == 4


@pytest.mark.requirement("R-15")
async def test_what_waits_of_one_owner_shares_a_transaction(
    reader: Reader, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, arrived, transactions = asyncio.Event(), count_arrivals(monkeypatch), set[int]()

    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    async def keep(session: Session, fact: PinnedFact, message: Envelope) -> None:
        if fact.words == "gate":
            await gate.wait()
        await keep_note(reader, session, fact, message)
        transactions.add(int(await session.scalar(text("SELECT txid_current()")) or 0))

    owner = new_id()
    repeated = an_envelope("3", owner)
    async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
        await wait_for_queue(amqp_url, f"{reader.subscriptions.consumer}.events")
        await publish(amqp_url, an_envelope("gate", owner))
        await arrived.until(1)
        await asyncio.sleep(0.1)  # the lane has taken the first one by now, so that the others have to wait
        many = [an_envelope(str(number), owner) for number in range(30)]
        await publish_all(amqp_url, [*many[:3], repeated, repeated, *many[3:]])
        await arrived.until(33)
        gate.set()
        assert await reader.until(32) == ["gate", "0", "1", "2", "3", *[str(number) for number in range(3, 30)]]
    assert len(transactions) == 2, "one for the first, one for all that waited behind it"
    assert await notes_kept(reader) == 32


@pytest.mark.requirement("R-15", "R-17")
async def test_a_poisoned_message_spoils_nothing_for_those_that_wait_with_it(
    reader: Reader, amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.consumer.PAUSE_SECONDS_MAX", 0.05)
    gate, arrived = asyncio.Event(), count_arrivals(monkeypatch)

    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    async def keep(session: Session, fact: PinnedFact, message: Envelope) -> None:
        if fact.words == "gate":
            await gate.wait()
        await keep_note(reader, session, fact, message)
        if fact.words == "poison":
            raise RuntimeError("cannot swallow this")

    owner = new_id()
    async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
        await wait_for_queue(amqp_url, f"{reader.subscriptions.consumer}.events")
        await publish(amqp_url, an_envelope("gate", owner))
        await arrived.until(1)
        many = [an_envelope(str(number), owner) for number in range(20)]
        await publish_all(amqp_url, [*many[:3], an_envelope("poison", owner), *many[3:]])
        await arrived.until(22)
        gate.set()
        assert await reader.until(21) == ["gate", *[str(number) for number in range(20)]]
    assert await notes_kept(reader) == 21, "what the poisoned message wrote went with it, and nothing else"


@dataclass
class Arrivals:
    """How many messages have reached the consumer's lanes."""

    count: int = 0

    async def until(self, count: int) -> None:
        async with asyncio.timeout(60):
            while self.count < count:  # noqa: ASYNC110 - messages arrive in another task
                await asyncio.sleep(0.01)


def count_arrivals(monkeypatch: pytest.MonkeyPatch) -> Arrivals:
    arrivals, put = Arrivals(), Lane.put

    def put_and_count(lane: Lane, message: AbstractIncomingMessage) -> None:
        put(lane, message)
        arrivals.count += 1

    monkeypatch.setattr(Lane, "put", put_and_count)
    return arrivals


async def keep_note(reader: Reader, session: Session, fact: PinnedFact, message: Envelope) -> None:
    async def tell() -> None:
        reader.seen.append(fact.words)

    await session.execute(INSERT, {"id": new_id(), "owner": message.owner, "words": fact.words})
    after_commit(session, tell)


async def notes_kept(reader: Reader) -> int:
    async with reader.database.system() as session:
        return int(await session.scalar(text("SELECT count(*) FROM notes")) or 0)


async def test_two_relays_of_one_service_take_turns(reader: Reader, fresh: TestDatabase, amqp_url: str) -> None:
    @reader.subscriptions.on("noticeboard.note.pinned.v1", PinnedFact)
    async def remember(_session: Session, fact: PinnedFact, _message: Envelope) -> None:
        reader.seen.append(fact.words)

    first = a_relay(fresh, amqp_url, reader.database)
    second = a_relay(fresh, amqp_url, reader.database)
    owner = new_id()
    async with running(Consumer(reader.subscriptions, reader, amqp_url).run()):
        await wait_for_queue(amqp_url, f"{reader.subscriptions.consumer}.events")
        async with running(second.run()):
            async with running(first.run()):
                await pin(reader.database, owner, "a")
                await reader.until(1)
            await pin(reader.database, owner, "b")
            assert await reader.until(2) == ["a", "b"]


def an_envelope(words: str, owner: UUID | None = None) -> Envelope:
    return Envelope.model_validate(
        {
            "id": new_id(),
            "type": "noticeboard.note.pinned.v1",
            "source": "noticeboard",
            "time": "2026-11-20T01:02:03Z",
            "subject": str(new_id()),
            "owner": owner or new_id(),
            "correlation_id": new_id(),
            "causation_id": None,
            "version": 1,
            "data": {"words": words, "a field we do not read": 1},
        }
    )


async def publish(amqp_url: str, envelope: Envelope) -> None:
    await publish_all(amqp_url, [envelope])


async def publish_all(amqp_url: str, envelopes: list[Envelope]) -> None:
    connection = await amqp.connect(amqp_url, "test")
    async with connection:
        exchange = await amqp.declare_exchange(await connection.channel())
        for envelope in envelopes:
            message = aio_pika.Message(envelope.model_dump_json().encode(), headers={"owner": str(envelope.owner)})
            await exchange.publish(message, envelope.type)


async def first_message(amqp_url: str, queue_name: str) -> bytes:
    connection = await amqp.connect(amqp_url, "test")
    async with connection:
        queue = await (await connection.channel()).get_queue(queue_name)
        async with asyncio.timeout(30):
            while True:
                message = await queue.get(fail=False)
                if message is not None:
                    await message.ack()
                    return message.body
                await asyncio.sleep(0.05)

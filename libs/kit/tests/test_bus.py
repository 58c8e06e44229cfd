"""Events leave by the relay and arrive by the consumer: once in effect, in order, or as a dead letter."""

import asyncio
import time
from dataclasses import dataclass

import pytest
from aiormq.abc import DeliveredMessage
from kit import amqp
from kit.consumer import Consumer, Lane, Later
from kit.db import Session
from kit.events import Envelope, record
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from prometheus_client import REGISTRY
from sqlalchemy import text

from libs.kit.tests.bus import (
    INSERT,
    NotePinned,
    NoteTornOff,
    PinnedFact,
    Reader,
    a_relay,
    an_envelope,
    keep_note,
    notes_kept,
    pin,
    publish,
    publish_all,
    running,
    wait_for_queue,
)


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

    def put_and_count(lane: Lane, message: DeliveredMessage) -> None:
        put(lane, message)
        arrivals.count += 1

    monkeypatch.setattr(Lane, "put", put_and_count)
    return arrivals


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

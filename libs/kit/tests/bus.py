"""The noticeboard's side of the bus, for the tests of relay and consumer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import ClassVar
from uuid import UUID, uuid4

import aio_pika
from kit import amqp
from kit.consumer import Subscriptions
from kit.db import Database, Session, after_commit
from kit.events import Envelope, Event, record
from kit.ids import new_id
from kit.relay import Relay
from kit.settings import ServiceSettings
from kit.testing.databases import TestDatabase
from kit.testing.tasks import ended
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


async def keep_note(reader: Reader, session: Session, fact: PinnedFact, message: Envelope) -> None:
    async def tell() -> None:
        reader.seen.append(fact.words)

    await session.execute(INSERT, {"id": new_id(), "owner": message.owner, "words": fact.words})
    after_commit(session, tell)


async def notes_kept(reader: Reader) -> int:
    async with reader.database.system() as session:
        return int(await session.scalar(text("SELECT count(*) FROM notes")) or 0)


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
        exchange = await (await connection.channel()).get_exchange(amqp.EXCHANGE)
        for envelope in envelopes:
            message = aio_pika.Message(envelope.model_dump_json().encode(), headers={"owner": str(envelope.owner)})
            await exchange.publish(message, envelope.type)


async def forget_queues(amqp_url: str, consumer: str) -> None:
    """Delete a consumer's queues: what is bound keeps what everybody after us publishes, until the bus is full."""
    async with await amqp.connect(amqp_url, "test") as connection:
        channel = await connection.channel()
        for kind in ("events", "dead"):
            await channel.queue_delete(f"{consumer}.{kind}")

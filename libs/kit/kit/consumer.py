"""The consumer: each message changes the world once, in the transaction that also remembers having seen it.

Messages of one owner are handled strictly in order, those of different owners side by side; what waits of one owner
shares a transaction, so that a busy system costs less for each message. A message is acknowledged after the commit. A
failing handler is tried again in place, so that nothing overtakes it; when its tries are used up it becomes a dead
letter. While the database is away nothing is given up: the queue waits.
"""

import asyncio
import zlib
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

import structlog
from aiormq.abc import DeliveredMessage
from pydantic import BaseModel, ValidationError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kit import amqp, context, traces
from kit.clock import now
from kit.db import Database, Session
from kit.errors import Unavailable
from kit.events import Envelope
from kit.observe import message_seconds, messages_handled
from kit.sql import Statement

LANES = 16
BATCH_MAX = 50
GATHER_SECONDS = 0.003
TRIES_MAX = 6
LATER_TRIES_MAX = 60
PAUSE_SECONDS_FIRST = 0.05
PAUSE_SECONDS_MAX = 2.0
RESTART_SECONDS_MAX = 5.0

TAKE = Statement(
    text(
        "INSERT INTO inbox (consumer, message_id, received_at)"
        " SELECT :consumer, unnest(CAST(:message_ids AS uuid[])), :received_at"
        " ON CONFLICT DO NOTHING RETURNING message_id"
    )
)

Fact = TypeVar("Fact", bound=BaseModel)

log = structlog.get_logger()


class Later(Exception):
    """Raised by a handler whose message came before something it needs: try again soon, in order."""


class HasDatabase(Protocol):
    """What a consumer needs of a service's resources."""

    @property
    def database(self) -> Database: ...


@dataclass(frozen=True, slots=True)
class Subscription:
    """One event type, the fields we read of it, and what to do."""

    event_type: str
    model: type[BaseModel]
    handler: Callable[[Any, Any, Envelope], Awaitable[None]]
    phases: bool


class Subscriptions:
    """The table of everything a service listens to."""

    def __init__(self, consumer: str) -> None:
        self.consumer = consumer
        self.handlers: dict[str, Subscription] = {}
        self.gathered: Gathered | None = None
        self.gathers: Collection[str] = ()
        """The types that `gathered` handles with those of other owners: so they do not wait for their own owner's."""

    def on(
        self, event_type: str, model: type[Fact], *, phases: bool = False
    ) -> Callable[[Callable[..., Awaitable[None]]], Callable[..., Awaitable[None]]]:
        """Register `async def handler(session, fact, message)` for one event type.

        With `phases=True` the handler gets `(resources, fact, message)` and no transaction: it opens its own around a
        call to the outside, must be idempotent by its own keys, and remembers the message with `take` in its last one.
        """

        def register(handler: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
            assert event_type not in self.handlers, f"{event_type} is handled twice"
            self.handlers[event_type] = Subscription(event_type, model, handler, phases)
            return handler

        return register


async def take(session: Session, message_id: UUID, consumer: str) -> bool:
    """Remember a message in this transaction; tell whether it is new."""
    return bool(await take_all(session, [message_id], consumer))


async def take_all(session: Session, message_ids: Sequence[UUID], consumer: str) -> set[UUID]:
    """Remember messages in this transaction; return those that are new."""
    given = {"consumer": consumer, "message_ids": list(message_ids), "received_at": now()}
    return {row.message_id for row in await TAKE.all(session, given)}


class Lane:
    """Messages that are handled one after the other; those of types that share no transaction wait for no company."""

    def __init__(self, lonely: Collection[str] = ()) -> None:
        self._lonely, self._ready = lonely, asyncio.Event()
        self._waiting: deque[DeliveredMessage] = deque()

    def put(self, message: DeliveredMessage) -> None:
        """Add a message at the end."""
        self._waiting.append(message)
        self._ready.set()

    async def take(self) -> list[DeliveredMessage]:
        """Wait for messages; return the first and those of the same owner that follow it directly."""
        while not self._waiting:
            self._ready.clear()
            await self._ready.wait()
            if self._waiting[0].routing_key not in self._lonely:
                await asyncio.sleep(GATHER_SECONDS)  # what one transaction announced arrives within a few milliseconds
        batch = [self._waiting.popleft()]
        owner = owner_of(batch[0])
        while self._waiting and len(batch) < BATCH_MAX and owner_of(self._waiting[0]) == owner:
            batch.append(self._waiting.popleft())
        return batch


def owner_of(message: DeliveredMessage) -> str:
    """Return whose message it is, without reading it."""
    return str((message.header.properties.headers or {}).get("owner") or "")


async def _settled(message: DeliveredMessage, outcome: str) -> None:
    """Tell the bus what became of a message; not waited for, as one that comes again is known."""
    assert message.delivery_tag is not None, "what was delivered has a tag"
    if outcome == "dead":
        await message.channel.basic_reject(message.delivery_tag, requeue=False, wait=False)
    else:
        await message.channel.basic_ack(message.delivery_tag, wait=False)


class Consumer:
    """Reads one service's queue until cancelled, through every restart of the bus."""

    def __init__(self, subscriptions: Subscriptions, resources: HasDatabase, amqp_url: str) -> None:
        self._subscriptions = subscriptions
        self._resources = resources
        self._amqp_url = amqp_url

    async def run(self) -> None:
        """Consume until cancelled; reconnect with growing pauses."""
        pause = 0.1
        while True:
            try:
                await self._consume()
                pause = 0.1
            except* (*amqp.LOST, ConnectionLost) as lost:
                log.warning("consumer starts over", error=repr(lost.exceptions), consumer=self._subscriptions.consumer)
            await asyncio.sleep(pause)
            pause = min(pause * 2, RESTART_SECONDS_MAX)

    async def _consume(self) -> None:
        connection = await amqp.connect(self._amqp_url, f"{self._subscriptions.consumer} consumer")
        async with connection:
            queue = await amqp.open_queue(connection, self._subscriptions.consumer, list(self._subscriptions.handlers))
            # the driver's own channel: aio_pika wraps each message once more, which cost as much as reading it
            channel = await queue.channel.get_underlay_channel()
            lonely = {name for name, each in self._subscriptions.handlers.items() if each.phases}
            lonely |= set(self._subscriptions.gathers)
            lanes = [Lane(lonely) for _ in range(LANES)]

            async def receive(message: DeliveredMessage) -> None:
                lanes[zlib.crc32(owner_of(message).encode()) % LANES].put(message)

            async with asyncio.TaskGroup() as group:
                for lane in lanes:
                    group.create_task(self._work(lane))

                def start_over(_: object) -> None:  # a channel whose queue is gone stays open, and nothing ever comes
                    group.create_task(asyncio.wait_for(queue.channel.close(), RESTART_SECONDS_MAX))

                channel.on_consumer_cancel_callbacks.add(start_over)
                await channel.basic_consume(queue.name, receive)
                log.info("consumer listens", consumer=self._subscriptions.consumer)
                await queue.channel.closed()
                raise ConnectionLost

    async def _work(self, lane: Lane) -> None:
        while True:
            batch = await lane.take()
            outcomes = await self._settle(batch)
            try:
                for message, outcome in zip(batch, outcomes, strict=True):
                    messages_handled.labels(self._subscriptions.consumer, message.routing_key or "", outcome).inc()
                    await _settled(message, outcome)
            except amqp.LOST as gone:
                log.info("messages come again, the inbox will know them", error=repr(gone), count=len(batch))

    async def _settle(self, batch: Sequence[DeliveredMessage]) -> list[str]:
        """Handle messages of one owner: together where that works, else one by one."""
        if len(batch) > 1:
            try:
                read = [self._read(message) for message in batch]
                if not any(each.subscription.phases for each in read):
                    with message_seconds.labels(self._subscriptions.consumer, "batch").time():
                        return await self._handle_together(read)
            except Exception as failed:  # noqa: BLE001 - each message shows by itself whether it was to blame
                log.info("messages are handled one by one", error=repr(failed), count=len(batch))
        return [await self._handle_until_settled(message) for message in batch]

    async def _handle_until_settled(self, message: DeliveredMessage) -> str:
        tries, pause = 0, PAUSE_SECONDS_FIRST
        while True:
            try:
                with message_seconds.labels(self._subscriptions.consumer, message.routing_key or "").time():
                    return await self._handle(message)
            except (ValidationError, UnknownType) as unreadable:
                log.warning("message cannot be read", id=message.header.properties.message_id, error=str(unreadable))
                return "dead"
            except Exception as failed:  # whatever a handler raises, the message must be settled
                tries += not is_passing(failed)
                known = {"id": message.header.properties.message_id, "type": message.routing_key}
                log.warning("message not handled", **known, exc_info=failed)
                if tries >= (LATER_TRIES_MAX if isinstance(failed, Later) else TRIES_MAX):
                    return "dead"
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_SECONDS_MAX)

    async def _handle(self, message: DeliveredMessage) -> str:
        read = self._read(message)
        if not read.subscription.phases:
            return (await self._handle_together([read]))[0]
        with read.begun():
            await read.subscription.handler(self._resources, read.fact, read.envelope)
        return "done"

    def _read(self, message: DeliveredMessage) -> "Read":
        envelope = Envelope.model_validate_json(message.body)
        subscription = self._subscriptions.handlers.get(envelope.type)
        if subscription is None:
            raise UnknownType(f"nobody here reads {envelope.type}")
        return Read(envelope, subscription, subscription.model.model_validate(envelope.data))

    async def _handle_together(self, batch: Sequence["Read"]) -> list[str]:
        """Handle messages of one owner in one transaction, in order, those that are new."""
        if (gathered := self._subscriptions.gathered) and (outcomes := await gathered(batch)) is not None:
            return outcomes
        database, owner = self._resources.database, batch[0].envelope.owner
        async with database.system() if owner is None else database.owned(owner) as session:
            new = await take_all(session, [read.envelope.id for read in batch], self._subscriptions.consumer)
            outcomes = []
            for read in batch:
                outcomes.append("done" if read.envelope.id in new else "known")
                if read.envelope.id not in new:
                    continue
                new.discard(read.envelope.id)  # the same message twice in one batch is known the second time
                with read.begun():
                    await read.subscription.handler(session, read.fact, read.envelope)
        return outcomes


@dataclass(frozen=True, slots=True)
class Read:
    """A message, read: its envelope, who handles it, and the fact in the handler's words."""

    envelope: Envelope
    subscription: Subscription
    fact: BaseModel

    def begun(self) -> AbstractContextManager[object]:
        """Make what is done in here a part of what the message is part of, and trace it."""
        context.correlation.set(self.envelope.correlation_id)
        context.causation.set(self.envelope.id)
        return traces.span(f"process {self.envelope.type}", traces.CONSUMER, self.envelope.id)


Gathered = Callable[[Sequence[Read]], Awaitable[list[str] | None]]
"""Handles messages of one owner together with others', remembers them, tells outcomes; None: it leaves them to us."""


class UnknownType(Exception):
    """A message of a type that is not subscribed to."""


class ConnectionLost(Exception):
    """The channel closed under us."""


def is_passing(failed: BaseException) -> bool:
    """Tell whether a failure is the surroundings' (database or network away) and not the message's."""
    if isinstance(failed, DBAPIError):
        return failed.connection_invalidated
    return isinstance(failed, Unavailable | OSError | TimeoutError)

"""The message bus as relay and consumers see it: one topic exchange, one place for dead letters."""

import aio_pika
import structlog
from aio_pika.abc import AbstractConnection, AbstractQueue
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError, ChannelPreconditionFailed
from pamqp.common import FieldTable

EXCHANGE = "exodus.events"  # made with the users (tools/native/rabbitmq.py): no service may
DEAD_EXCHANGE = "exodus.dead"
CONNECT_TIMEOUT_SECONDS = 5
HEARTBEAT_SECONDS = 10
PREFETCH = 256
DELIVERY_LIMIT = 10
"""How often a message may come back after crashes before it is set aside: explicit, as defaults differ by version."""

ARGUMENTS: FieldTable = {
    "x-queue-type": "quorum",
    "x-single-active-consumer": True,
    "x-delivery-limit": DELIVERY_LIMIT,
    "x-dead-letter-exchange": DEAD_EXCHANGE,
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
}

LOST = (OSError, TimeoutError, AMQPError, ChannelInvalidStateError)
"""What a bus that has gone away raises; the last one, who uses a channel that has closed, is no AMQPError."""

log = structlog.get_logger()


async def connect(url: str, name: str) -> AbstractConnection:
    """Open a plain connection; whoever holds it reconnects by starting over."""
    return await aio_pika.connect(
        url,
        timeout=CONNECT_TIMEOUT_SECONDS,
        heartbeat=HEARTBEAT_SECONDS,
        client_properties={"connection_name": name},
    )


async def open_queue(connection: AbstractConnection, consumer: str, types: list[str]) -> AbstractQueue:
    """Open a channel on a consumer's quorum queue with its dead letters, bound to exactly the given types.

    One process reads it at a time, others wait to take its place: two would overtake each other. A queue that an
    earlier version made is read as it is.
    """
    channel = await connection.channel()
    dead = await channel.get_exchange(DEAD_EXCHANGE)
    dead_queue = await channel.declare_queue(f"{consumer}.dead", durable=True, arguments={"x-queue-type": "quorum"})
    await dead_queue.bind(dead, consumer)
    name, arguments = f"{consumer}.events", ARGUMENTS | {"x-dead-letter-routing-key": consumer}
    try:
        queue = await channel.declare_queue(name, durable=True, arguments=arguments)
    except ChannelPreconditionFailed:
        log.warning("a queue of an earlier version is read as it is, by whoever comes", queue=name)
        channel = await connection.channel()
        queue = await channel.get_queue(name)
    await channel.set_qos(prefetch_count=PREFETCH)
    exchange = await channel.get_exchange(EXCHANGE)
    for event_type in types:
        await queue.bind(exchange, event_type)
    return queue

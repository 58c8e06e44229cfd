"""The message bus as relay and consumers see it: one topic exchange, one place for dead letters."""

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange, AbstractQueue

EXCHANGE = "exodus.events"
DEAD_EXCHANGE = "exodus.dead"
CONNECT_TIMEOUT_SECONDS = 5
HEARTBEAT_SECONDS = 10
DELIVERY_LIMIT = 10
"""How often a message may come back after crashes before it is set aside: explicit, as defaults differ by version."""


async def connect(url: str, name: str) -> AbstractConnection:
    """Open a plain connection; whoever holds it reconnects by starting over."""
    return await aio_pika.connect(
        url,
        timeout=CONNECT_TIMEOUT_SECONDS,
        heartbeat=HEARTBEAT_SECONDS,
        client_properties={"connection_name": name},
    )


async def declare_exchange(channel: AbstractChannel) -> AbstractExchange:
    """Return the exchange of all events. It is made with the users (tools/native/rabbitmq.py): no service may."""
    return await channel.get_exchange(EXCHANGE)


async def declare_queue(channel: AbstractChannel, consumer: str, types: list[str]) -> AbstractQueue:
    """Declare a consumer's quorum queue with its dead letters, bound to exactly the given types."""
    exchange = await declare_exchange(channel)
    dead = await channel.get_exchange(DEAD_EXCHANGE)
    dead_queue = await channel.declare_queue(f"{consumer}.dead", durable=True, arguments={"x-queue-type": "quorum"})
    await dead_queue.bind(dead, consumer)
    queue = await channel.declare_queue(
        f"{consumer}.events",
        durable=True,
        arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD_EXCHANGE,
            "x-dead-letter-routing-key": consumer,
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
        },
    )
    for event_type in types:
        await queue.bind(exchange, event_type)
    return queue

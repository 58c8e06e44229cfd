"""From the queue to the executions: the subscriptions as the bus delivers to them."""

import asyncio

import aio_pika
import pytest
from broker.subscriptions import subscriptions
from kit import amqp
from kit.consumer import Consumer, Subscriptions
from kit.events import Envelope
from kit.ids import new_id
from kit.testing.tasks import ended

from services.broker.tests.builders import an_order, cancel_requested, submitted
from services.broker.tests.floor import Floor

PATIENCE_SECONDS = 60


@pytest.mark.requirement("R-15")
async def test_orders_and_cancels_of_one_owner_are_handled_in_order_though_each_comes_twice(
    floor: Floor, amqp_url: str
) -> None:
    await floor.tape.quotes()
    owner = new_id()
    orders = [an_order(floor.tape.symbol, owner=owner, limit_price="69900") for _ in range(3)]
    messages = [message for order in orders for message in (submitted(order), cancel_requested(order))]
    ours = Subscriptions(f"test-{new_id().hex[-12:]}")
    ours.handlers = subscriptions.handlers
    connection = await amqp.connect(amqp_url, "test")
    async with connection:
        channel = await connection.channel()
        # Made before anyone else can make it: while another connection is still at it, the queue has a name and no
        # leader yet, and RabbitMQ answers what is published to it with a nack.
        queue = await amqp.open_queue(connection, ours.consumer, [])
        consuming = asyncio.create_task(Consumer(ours, floor.desk, amqp_url).run())
        for message in messages:
            for _ in range(2):
                await _put(channel, f"{ours.consumer}.events", message)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await floor.count("inbox") < len(messages):  # noqa: ASYNC110 - asks a database
                await asyncio.sleep(0.05)
        await ended(consuming)
        await queue.delete(if_unused=False, if_empty=False)
    assert await floor.said() == ["accepted", "canceled"] * 3


async def _put(channel: aio_pika.abc.AbstractChannel, queue: str, message: Envelope) -> None:
    """Straight into the queue: on the shared exchange others would hear it too."""
    body = aio_pika.Message(message.model_dump_json().encode(), headers={"owner": str(message.owner)})
    await channel.default_exchange.publish(body, queue)

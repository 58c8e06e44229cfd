"""The queue of tickets, Celery's on RabbitMQ: one for each chunk that waits, and none says which.

Whose turn it is is decided when a ticket is taken, from the chunks in the database. So a queue of a thousand tickets of
one person does not stand before anybody else's.
"""

import asyncio
from typing import Any, Final

from celery import Celery
from kit.errors import Unavailable
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

QUEUE: Final = "backtest.tickets"
TASK: Final = "backtest.compute"
DELIVERY_LIMIT: Final = 10
CONNECT_SECONDS: Final = 5
HEARTBEAT_SECONDS: Final = 240
"""A computer at work answers no heartbeat: this is longer than a chunk may take."""


def celery_app(amqp_url: str) -> Celery:
    """Celery as both sides want it: durable, confirmed, acknowledged when done, nothing but this one queue."""
    app = Celery("backtest", broker=amqp_url, set_as_current=False)
    exchange: Any = Exchange(QUEUE, type="topic", durable=True)  # type: ignore[no-untyped-call]
    limits = {"x-queue-type": "quorum", "x-delivery-limit": DELIVERY_LIMIT}
    queue: Any = Queue(QUEUE, exchange, routing_key=QUEUE, queue_arguments=limits)  # type: ignore[no-untyped-call]
    app.conf.update(
        task_queues=[queue],
        task_default_queue=QUEUE,
        task_default_exchange=QUEUE,
        task_default_exchange_type="topic",  # past a direct one, Celery publishes to all queues' exchange
        task_default_routing_key=QUEUE,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        worker_concurrency=1,  # with one ticket in hand, none lies reserved while another computer is idle
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        broker_native_delayed_delivery_queue_type="classic",  # 28 queues that are never used: cheap ones
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_connection_timeout=CONNECT_SECONDS,
        broker_heartbeat=HEARTBEAT_SECONDS,
        broker_transport_options={"confirm_publish": True},
    )
    return app


class Tickets:
    """The side that hands out."""

    def __init__(self, amqp_url: str) -> None:
        self._app = celery_app(amqp_url)

    async def hand_out(self, count: int) -> None:
        """Put so many tickets into the queue, each confirmed.

        Raises:
            Unavailable: while the bus cannot be reached; some may be there already, and one too many does no harm.
        """
        if count:
            await asyncio.to_thread(self._publish, count)

    def _publish(self, count: int) -> None:
        try:
            with self._app.connection_for_write() as connection:
                producer = self._app.amqp.Producer(connection)
                for _ in range(count):
                    self._app.send_task(TASK, producer=producer, retry=False)
        except (OperationalError, OSError) as away:
            raise Unavailable(f"tickets cannot be handed out: {type(away).__name__}") from away

    async def close(self) -> None:
        """Give back connections."""
        await asyncio.to_thread(self._app.close)

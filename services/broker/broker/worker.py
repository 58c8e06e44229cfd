"""The broker's worker: sends orders, hears of executions, feeds the simulator, recovers what got no answer."""

import asyncio

import structlog
import uvloop
from kit.clock import now
from kit.consumer import Consumer
from kit.observe import configure_logging
from kit.relay import Relay
from kit.settings import load
from kit.worker import run_tasks

from broker.adapters.simulator.connector import Simulator
from broker.adapters.simulator.feed import QuoteFeed
from broker.alone import run_alone
from broker.config import Settings
from broker.desk import Desk
from broker.resources import open_desk
from broker.subscriptions import subscriptions
from broker.usecases.recover_attempts import recover_attempts
from broker.usecases.report_executions import report_executions
from broker.usecases.watch_connections import watch_connections

log = structlog.get_logger()


async def watch_brokers(desk: Desk) -> None:
    """What one worker does for all: hear reports, feed the simulator, recover attempts."""
    async with asyncio.TaskGroup() as group:
        for connector in desk.connectors.values():
            group.create_task(report_executions(desk, connector))
            if isinstance(connector, Simulator):
                group.create_task(QuoteFeed(connector, desk.cache).run())
        group.create_task(watch_connections(desk))
        group.create_task(_recover_forever(desk))


async def _recover_forever(desk: Desk) -> None:
    while True:
        if found := await recover_attempts(desk, now()):
            log.info("attempts without an answer", count=found)
        await asyncio.sleep(desk.settings.recover_every_seconds)


async def main() -> None:
    """Run every task of the worker until told to stop."""
    configure_logging("broker")
    settings = load(Settings)
    system_url, amqp_url = settings.system_database_url.get_secret_value(), settings.amqp_url.get_secret_value()
    async with open_desk(settings, now) as desk:
        tasks = [
            Relay(settings, desk.database, "broker").run(),
            Consumer(subscriptions, desk, amqp_url).run(),
            run_alone(system_url, "broker:watch", lambda: watch_brokers(desk)),
        ]
        await run_tasks(desk, settings.worker_port, tasks)


if __name__ == "__main__":
    uvloop.run(main())

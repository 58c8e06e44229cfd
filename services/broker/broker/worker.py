"""The broker's worker: sends orders, hears of executions, feeds the simulator, recovers what got no answer."""

import asyncio
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
import uvloop
from kit.clock import now
from kit.consumer import Consumer
from kit.observe import configure_logging
from kit.relay import Relay
from kit.settings import load
from kit.worker import run_tasks
from quant.markets.listing import Market

from broker.adapters.drift import drifts
from broker.adapters.simulator.connector import Simulator
from broker.adapters.simulator.feed import QuoteFeed
from broker.alone import run_alone
from broker.config import Settings
from broker.desk import Desk
from broker.domain.order import OwnerId
from broker.resources import open_collectors, open_desk
from broker.store.tokens import delete_old
from broker.subscriptions import subscriptions
from broker.usecases.announce_drifts import announce_drifts
from broker.usecases.forget_evidence import forget_evidence
from broker.usecases.reconcile_accounts import reconcile_accounts
from broker.usecases.recover_attempts import recover_attempts
from broker.usecases.report_executions import report_executions
from broker.usecases.report_submits import AT_ONCE, report_submits
from broker.usecases.watch_connections import watch_connections

DUE_LOOK_SECONDS = 1
DRIFTS_EVERY_SECONDS = 5
FORGET_EVERY_SECONDS = 3_600
TOKENS_KEPT = timedelta(days=1)
"""How long a token stays after its end, and a key that was asked for none after the asking."""
REPORT_EVERY_SECONDS = 1
"""So often trading can compare what was sent with what it approved."""
_RIGHTS: Final[dict[Market, str]] = {"KRX": "broker:feed", "US": "broker:feed:us"}
"""By which one worker has the line to a market."""

log = structlog.get_logger()


async def watch_brokers(desk: Desk) -> None:
    """What one worker does for all: hear reports, feed the simulator, read accounts, recover attempts."""
    async with asyncio.TaskGroup() as group:
        for connector in desk.connectors.values():
            group.create_task(report_executions(desk, connector))
            if isinstance(connector, Simulator):
                group.create_task(QuoteFeed(connector, desk.cache).run())
        group.create_task(watch_connections(desk))
        if desk.lines is not None:
            group.create_task(_reconcile_forever(desk))
        group.create_task(_recover_forever(desk))
        group.create_task(_forget_forever(desk))
        group.create_task(_announce_drifts_forever(desk))
        group.create_task(_report_submits_forever(desk))


async def _recover_forever(desk: Desk) -> None:
    while True:
        if found := await recover_attempts(desk, now()):
            log.info("attempts without an answer", count=found)
        await asyncio.sleep(desk.settings.recover_every_seconds)


async def _reconcile_forever(desk: Desk) -> None:
    read: dict[tuple[OwnerId, UUID], datetime] = {}
    while True:
        await reconcile_accounts(desk, read)
        await asyncio.sleep(DUE_LOOK_SECONDS)


async def _announce_drifts_forever(desk: Desk) -> None:
    while True:
        if found := drifts.take():
            async with desk.database.system() as session:
                await announce_drifts(session, found)
        await asyncio.sleep(DRIFTS_EVERY_SECONDS)


async def _forget_forever(desk: Desk) -> None:
    while True:
        if found := await forget_evidence(desk.database, now()):
            log.info("what was kept of people who left long ago is forgotten", count=found)
        async with desk.database.system() as session:
            await delete_old(session, desk.clock() - TOKENS_KEPT)
        await asyncio.sleep(FORGET_EVERY_SECONDS)


async def _report_submits_forever(desk: Desk) -> None:
    while True:
        if await report_submits(desk.database) < AT_ONCE:
            await asyncio.sleep(REPORT_EVERY_SECONDS)


async def main() -> None:
    """Run every task of the worker until told to stop."""
    configure_logging("broker")
    settings = load(Settings)
    system_url, amqp_url = settings.system_database_url.get_secret_value(), settings.amqp_url.get_secret_value()
    async with open_desk(settings, now) as desk, open_collectors(settings, desk) as collectors:
        tasks = [
            Relay(settings, desk.database, "broker").run(),
            Consumer(subscriptions, desk, amqp_url).run(),
            run_alone(system_url, "broker:watch", lambda: watch_brokers(desk)),
        ]
        tasks += [run_alone(system_url, _RIGHTS[each.market], each.run) for each in collectors]
        await run_tasks(desk, settings.worker_port, tasks, settings.worker_host)


if __name__ == "__main__":
    uvloop.run(main())

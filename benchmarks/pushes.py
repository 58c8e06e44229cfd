"""Account pushes: from the commit that tells an owner something to the word of it on /ws/account, through the gateway.

What is told is written by notification's own code in this process, as its worker writes it; the commit is noted in the
moment it is done, before anybody is given the hint. The clients have the same clock.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final
from uuid import UUID

import websockets
from kit.clock import now
from kit.ids import new_id
from notification.config import Settings
from notification.domain.owner import OwnerId
from notification.domain.stream import Entry
from notification.resources import Resources, open_resources
from notification.store.stream import Numbered
from notification.usecases.tell_owner import Told, tell_owner

from benchmarks.load import Measured
from benchmarks.orders import Crowd
from benchmarks.results import Result, result
from tools import cli
from tools.native import credentials
from tools.native.layout import Layout
from tools.people import Trader

RATE: Final = 100
PUSHES: Final = 2_000
HEARD_WITHIN_SECONDS: Final = 30
P95_MS_MAX: Final = 20

Times = dict[tuple[str, int], float]
"""Moments by owner and number of the stream."""


def _settings(layout: Layout) -> Settings:
    passwords, addresses = credentials.open_passwords(layout), credentials.Addresses.native(layout)
    files = credentials.files_of("notification", passwords, addresses)
    names = ("database_url", "system_database_url", "amqp_url", "redis_url", "sealing_key", "service_secret")
    told = {name: files[f"notification_{name}"] for name in names}
    nowhere = "http://127.0.0.1:9/"
    ports = {"http_port": 1, "worker_port": 2}  # nothing of it listens
    urls = {"jwks_url": nowhere, "market_url": nowhere, "auth_url": nowhere}
    return Settings.model_validate(told | ports | urls | {"environment": "test"})


async def _listen(layout: Layout, owner: Trader, ready: asyncio.Event, heard: Times) -> None:
    url = f"wss://localhost:{layout.ports.gateway}/ws/account"
    async with websockets.connect(url, ssl=cli.gateway_of(layout).trust, max_queue=None, compression=None) as socket:
        await socket.send(json.dumps({"action": "auth", "token": owner.token}))
        async for text in socket:
            moment = time.perf_counter()
            message = json.loads(text)
            if message["type"] == "ready":
                ready.set()
            if message["type"] == "signal":
                heard[owner.user_id, message["seq"]] = moment


async def _tell(resources: Resources, owner: OwnerId, committed: Times) -> None:
    """Append one entry to an owner's stream, and note when it was committed."""

    def publish(whose: OwnerId, entries: Sequence[Numbered]) -> None:
        committed.update({(str(whose), entry.seq): time.perf_counter() for entry in entries})
        resources.hints.owner_was_told(whose, entries)

    async with resources.database.owned(owner) as session:
        tell_owner(session, owner, Told(new_id(), (Entry("signal", {"said": "bench"}),), None, now()), publish)


async def measure(crowd: Crowd) -> list[Result]:
    """Tell the crowd things at a steady rate, each of them something in turn."""
    heard, committed = Times(), Times()
    everybody = [(trader, asyncio.Event()) for trader in crowd.traders]
    listening = [asyncio.create_task(_listen(crowd.layout, who, ready, heard)) for who, ready in everybody]
    await asyncio.gather(*(ready.wait() for _, ready in everybody))
    async with open_resources(_settings(crowd.layout)) as resources, asyncio.TaskGroup() as telling:
        tell = partial(_tell, resources, committed=committed)
        began = time.perf_counter()
        for number in range(PUSHES):
            await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            telling.create_task(tell(OwnerId(UUID(crowd.traders[number % len(crowd.traders)].user_id))))
    with suppress(TimeoutError):
        async with asyncio.timeout(HEARD_WITHIN_SECONDS):
            while len(heard) < PUSHES:  # noqa: ASYNC110 - a poll costs the measured machine less than an event
                await asyncio.sleep(0.1)
    for task in listening:
        task.cancel()
    waits = Measured([heard[key] - moment for key, moment in committed.items() if key in heard], {}, 0)
    return [
        result("account_push_p50", waits.percentile(0.50), "ms"),
        result("account_push_p95", waits.percentile(0.95), "ms"),
        result("account_push_p99", waits.percentile(0.99), "ms"),
        result("account_push_lost", PUSHES - len(waits.seconds), "messages"),
    ]

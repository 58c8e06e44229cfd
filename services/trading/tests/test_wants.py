"""What open orders and automations need is told to whoever brings live prices, as long as they need it."""

import asyncio
import json

import pytest
from kit.db import Database
from kit.ids import new_id
from kit.testing.tasks import ended
from redis.asyncio import Redis
from trading import wants
from trading.clients import quotes
from trading.config import Settings
from trading.resources import open_resources

from services.trading.tests.automation_bench import Bench
from services.trading.tests.builders import SAMSUNG
from services.trading.tests.desk import Desk
from services.trading.tests.neighbours import Neighbours

PATIENCE_SECONDS = 60.0


async def test_symbols_are_told_while_orders_are_open_and_automations_run(
    database: Database, settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotes, "WANTED", f"feed.wanted.{new_id()}")  # the test Redis is shared
    monkeypatch.setattr(wants, "EVERY_SECONDS", 0.05)
    desk = await Desk.open(database)
    async with open_resources(settings) as resources, redis.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(quotes.WANTED)

        async def told(watched: dict[str, int]) -> None:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    message = await heard.get_message(timeout=1.0)
                    if message is not None and json.loads(message["data"])["watched"] == watched:
                        return

        task = asyncio.create_task(wants.tell_wants(resources))
        try:
            await told({})
            order = await desk.places()
            bench = Bench(desk, Neighbours(), settings, resources, redis)
            automation = await bench.automates(symbols=(SAMSUNG, "000660"))
            await told({SAMSUNG: 2, "000660": 1})
            await bench.steers(automation, "stop")
            await told({SAMSUNG: 1})
            await desk.fills(order)
            await told({})
        finally:
            await ended(task)

"""What alerts wait for is told to whoever brings live prices, as long as they wait."""

import asyncio
import json

import pytest
from kit import cache
from kit.ids import new_id
from notification import hints, wants
from notification.resources import Resources
from sqlalchemy import text

from services.notification.tests.people import an_alert, running, save_alert

PATIENCE_SECONDS = 60.0


async def test_symbols_are_told_with_how_many_alerts_wait_for_each_until_none_does(
    worker: Resources, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "WANTED", f"feed.wanted.{new_id()}")  # the test Redis is shared
    monkeypatch.setattr(wants, "EVERY_SECONDS", 0.05)
    waiting = [an_alert(symbol) for symbol in ("005930", "005930", "000660")]
    for alert in waiting:
        await save_alert(worker, alert)
    async with cache.connect(redis_url) as redis, redis.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(hints.WANTED)

        async def told(watched: dict[str, int]) -> None:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    message = await heard.get_message(timeout=1.0)
                    if message is not None and json.loads(message["data"])["watched"] == watched:
                        return

        async with running(wants.tell_wants(worker)):
            await told({"005930": 2, "000660": 1})
            async with worker.database.system() as session:
                await session.execute(text("UPDATE alerts SET status = 'expired'"))
            await told({})

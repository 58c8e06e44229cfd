"""What clients watch is told to whoever brings live prices, as far as market knows it."""

import asyncio
import json
from typing import Any

import pytest
from kit.db import Database
from kit.ids import new_id
from kit.testing.tasks import ended
from market import wants
from market.hub import QuoteHub
from redis.asyncio import Redis

PATIENCE_SECONDS = 60.0


class Queue:
    """What a client is sent, which nobody reads here."""

    def put(self, frame: bytes, key: str | None = None) -> None:
        """Take it."""


async def test_symbols_that_clients_watch_are_told_with_how_many_of_them_do(
    database: Database, redis: Redis, upload: Any, bars_csv: Any, symbol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wants, "CHANNEL", f"feed.wanted.{new_id()}")
    monkeypatch.setattr(wants, "EVERY_SECONDS", 0.02)
    assert (await upload({f"{symbol}.csv": bars_csv("2026-10-30,1,2,1,2,10,")})).status_code == 201
    hub = QuoteHub(redis)
    clients = [await hub.admit(new_id(), Queue()) for _ in range(2)]  # type: ignore[arg-type]  # nothing is sent
    async with redis.pubsub(ignore_subscribe_messages=True) as heard:
        await heard.subscribe(wants.CHANNEL)
        task = asyncio.create_task(wants.tell_wants(hub, database, redis))
        try:

            async def told(watched: dict[str, int]) -> None:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while True:
                        message = await heard.get_message(timeout=1.0)
                        if message is not None and json.loads(message["data"])["watched"] == watched:
                            return

            await told({})
            for client in clients:
                assert client is not None
                await hub.watch(client, {("quote", symbol), ("trade", symbol), ("quote", "999999")})
            await told({symbol: 2})
            for client in clients:
                assert client is not None
                await hub.dismiss(client)
            await told({})
        finally:
            await ended(task)

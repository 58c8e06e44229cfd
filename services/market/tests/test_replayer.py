"""The worker's player: a replay heard by everybody, through restarts, until it ends or is stopped."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise
from typing import Any

import httpx
import pytest
import pytest_asyncio
from kit.clock import now
from kit.db import Database
from kit.testing.databases import TestDatabase
from kit.testing.tasks import ended
from market.replayer import Replayer
from market.store import replays
from redis.asyncio import Redis
from sqlalchemy import text

REPLAYS = "/api/v1/market/replays"
Quotes = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest_asyncio.fixture
async def stored(upload: Any, bars_csv: Any, symbol: str) -> str:
    content = bars_csv("2024-12-12,54000,55000,53900,56100,900,", "2024-12-13,56300,56600,55600,55700,12000,")
    answer = await upload({f"{symbol}.csv": content})
    assert answer.status_code == 201
    return symbol


@pytest.fixture
def player(database: Database, redis: Redis, fresh: TestDatabase) -> Callable[[], Any]:
    @asynccontextmanager
    async def playing() -> AsyncIterator[None]:
        task = asyncio.create_task(Replayer(database, redis, fresh.system_url, now).run())
        try:
            yield
        finally:
            await ended(task)

    return playing


@pytest_asyncio.fixture
async def heard(redis: Redis, stored: str) -> AsyncIterator[Quotes]:
    """`await heard(until)`: the quotes published so far, once one of them fulfils the condition."""
    quotes: list[dict[str, Any]] = []
    async with redis.pubsub() as feed:
        await feed.subscribe(f"market:{stored}")

        async def until(condition: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
            async with asyncio.timeout(30):
                while not quotes or not condition(quotes[-1]):
                    message = await feed.get_message(ignore_subscribe_messages=True, timeout=0.2)
                    if message is not None:
                        quotes.append(json.loads(message["data"]))
            return quotes

        yield until


async def start(admin: httpx.AsyncClient, symbol: str, **changes: Any) -> str:
    body = {"symbols": [symbol], "trading_date": "2024-12-13", "duration_seconds": 1, "ticks_per_symbol": 31} | changes
    answer = await admin.post(REPLAYS, json=body)
    assert answer.status_code == 201
    return str(answer.json()["id"])


async def status_of(admin: httpx.AsyncClient, replay_id: str, wanted: str) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            shown: dict[str, Any] = (await admin.get(f"{REPLAYS}/{replay_id}")).json()
            if shown["status"] == wanted:
                return shown
            await asyncio.sleep(0.05)


async def test_a_replay_opens_prints_the_day_and_closes(
    admin: httpx.AsyncClient, stored: str, player: Any, heard: Quotes, redis: Redis, database: Database
) -> None:
    async with player():
        # a tick lasts 130 ms: a player that is late by more than one leaves it out, as it should
        replay_id = await start(admin, stored, duration_seconds=4)
        quotes = await heard(lambda quote: quote["session"] == "closed")
        await status_of(admin, replay_id, "finished")

    assert quotes[0]["price"] == "56300"
    assert {quote["session"] for quote in quotes[:-1]} == {"regular"}
    assert len(quotes) > 20
    last = quotes[-1]
    assert (last["price"], last["volume"], last["base_price"], last["trading_date"]) == (
        "55700",
        12000,
        "56100",
        "2024-12-13",
    )
    assert (last["upper_limit"], last["lower_limit"], last["source"]) == ("72900", "39300", "replay")
    assert json.loads(await redis.get(f"realtime:{stored}")) == last
    assert all(Decimal(quote["ask"]) - Decimal(quote["bid"]) == 100 for quote in quotes)
    async with database.system() as session:
        found = await session.execute(
            text("SELECT data->>'session' FROM events WHERE type = 'market.session.changed.v1' ORDER BY position")
        )
        assert [row[0] for row in found] == ["regular", "closed"]
        found = await session.execute(text("SELECT data FROM events WHERE type = 'market.bar.closed.v1'"))
        (bar,) = [row.data for row in found if row.data["interval"] == "1d"]
    assert (bar["symbol"], bar["start"], bar["close"]) == (stored, "2024-12-13T00:00:00Z", "55700")


async def test_a_replay_that_ends_while_the_player_looks_for_work_is_not_played_again(
    admin: httpx.AsyncClient, stored: str, player: Any, heard: Quotes, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_active, looked_again = replays.list_active, asyncio.Event()
    looks: list[str] = []

    async def list_slowly(session: Any) -> Any:
        found = await list_active(session)
        if "old" in looks:
            looked_again.set()
        if found and "found" in looks and "old" not in looks:
            await asyncio.wait([task for task in asyncio.all_tasks() if "Replayer._play at" in repr(task.get_coro())])
            looks.append("old")
        if found:
            looks.append("found")
        return found

    monkeypatch.setattr(replays, "list_active", list_slowly)
    async with player():
        replay_id = await start(admin, stored)
        await status_of(admin, replay_id, "finished")
        await looked_again.wait()
    await redis.publish(f"market:{stored}", json.dumps({"session": "the test's end"}))
    quotes = await heard(lambda quote: quote["session"] == "the test's end")
    assert [quote["session"] for quote in quotes].count("closed") == 1


async def test_a_replay_held_open_keeps_its_last_quote_alive_until_it_is_stopped(
    admin: httpx.AsyncClient, stored: str, player: Any, heard: Quotes
) -> None:
    async with player():
        replay_id = await start(admin, stored, hold_open=True, ticks_per_symbol=4)
        quotes = await heard(lambda quote: quote["volume"] == 12000)
        first_of_last = quotes[-1]
        quotes = await heard(lambda quote: quote["timestamp"] > first_of_last["timestamp"])
        assert quotes[-1] == first_of_last | {"timestamp": quotes[-1]["timestamp"]}
        status = (await admin.get("/api/v1/market/status")).json()
        assert [session["replay_id"] for session in status["replays"]] == [replay_id]
        await admin.delete(f"{REPLAYS}/{replay_id}")
        quotes = await heard(lambda quote: quote["session"] == "closed")
        shown = await status_of(admin, replay_id, "stopped")

    assert shown["finished_at"] is not None


async def test_a_replay_survives_a_restart_of_the_worker_and_goes_on_where_the_clock_is(
    admin: httpx.AsyncClient, stored: str, player: Any, heard: Quotes
) -> None:
    async with player():
        replay_id = await start(admin, stored, duration_seconds=3, ticks_per_symbol=300)
        before = len(await heard(lambda quote: quote["volume"] > 0))
    await asyncio.sleep(1)
    async with player():
        quotes = await heard(lambda quote: quote["session"] == "closed")
        shown = await status_of(admin, replay_id, "finished")

    volumes = [quote["volume"] for quote in quotes]
    assert volumes == sorted(volumes)
    assert max(after - earlier for earlier, after in pairwise(volumes)) > 2_000
    assert len(volumes) < 300
    assert before > 0
    assert shown["started_at"] is not None


async def test_of_two_workers_only_one_plays(admin: httpx.AsyncClient, stored: str, player: Any, heard: Quotes) -> None:
    async with player(), player():
        await start(admin, stored, ticks_per_symbol=10)
        quotes = await heard(lambda quote: quote["session"] == "closed")

    assert len(quotes) <= 13


async def test_a_second_worker_takes_over_when_the_first_dies(
    admin: httpx.AsyncClient, stored: str, player: Any, heard: Quotes
) -> None:
    first, second = player(), player()
    async with second:
        async with first:
            replay_id = await start(admin, stored, hold_open=True)
            await heard(lambda quote: quote["volume"] == 12000)
        await admin.delete(f"{REPLAYS}/{replay_id}")
        await heard(lambda quote: quote["session"] == "closed")

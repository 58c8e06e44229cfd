"""What a holder of a right writes is fenced by its epoch: nobody writes after a successor has begun."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from market.store.fence import KEY, Superseded, fenced
from redis.asyncio import Redis

PROGRAM = Path(__file__).with_name("feed_process.py")
FIRST, SECOND = "2026-11-02T01:00:00+00:00", "2026-11-02T01:05:00+00:00"
PATIENCE_SECONDS = 90.0
A_WHILE_SECONDS = 1.5


def shown(symbol: str) -> str:
    """What a feed tells of a symbol."""
    prices = {"price": "70100", "base_price": "70000", "open": "69900", "high": "70300", "low": "69800"}
    book = {"bids": [{"price": "70000", "quantity": "500"}], "asks": [{"price": "70100", "quantity": "420"}]}
    told = {"source": "kis", "market": "KRX", "symbol": symbol, "volume": 1_234, "traded": 0, "with_book": False}
    return json.dumps(told | prices | book)


@pytest.fixture
def name() -> str:
    return f"test.{new_id()}"


async def test_who_holds_the_newest_epoch_writes_all_it_has(redis: Redis, name: str) -> None:
    async with fenced(redis, name, 7) as fence:
        for price in ("1", "2"):
            await fence.write([("SET", f"realtime:{name}", price), ("SET", f"realtime:{name}.too", price)])
            assert await redis.mget(f"realtime:{name}", f"realtime:{name}.too") == [price, price]


@pytest.mark.requirement("R-28")
async def test_after_a_successor_began_nothing_is_written_and_the_predecessor_is_told(redis: Redis, name: str) -> None:
    async with fenced(redis, name, 7) as old, fenced(redis, name, 8) as new:
        with pytest.raises(Superseded):
            await old.write([("SET", f"realtime:{name}", "old")])
        await new.write([("SET", f"realtime:{name}", "new")])
        with pytest.raises(Superseded):
            await old.write([("SET", f"realtime:{name}", "old")])
        assert await redis.get(f"realtime:{name}") == "new"
    with pytest.raises(Superseded):
        async with fenced(redis, name, 7):
            pass


async def test_a_fence_that_redis_lost_stands_again_and_the_newest_holder_gets_it(redis: Redis, name: str) -> None:
    async with fenced(redis, name, 7) as old, fenced(redis, name, 8) as new:
        await redis.delete(f"{KEY}:{name}")
        await new.write([("SET", f"realtime:{name}", "new")])
        with pytest.raises(Superseded):
            await old.write([("SET", f"realtime:{name}", "old")])
        assert await redis.mget(f"{KEY}:{name}", f"realtime:{name}") == ["8", "new"]


async def test_a_write_that_redis_refuses_raises_and_the_next_one_is_done(redis: Redis, name: str) -> None:
    async with fenced(redis, name, 7) as fence:
        with pytest.raises(Exception, match="unknown command"):
            await fence.write([("SET", f"realtime:{name}", "half"), ("NONSENSE", "1")])
        assert await redis.get(f"realtime:{name}") is None
        await fence.write([("SET", f"realtime:{name}", "whole")])
        assert await redis.get(f"realtime:{name}") == "whole"


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[Process]:
    running = await asyncio.create_subprocess_exec(sys.executable, str(PROGRAM), *arguments, stdout=PIPE)
    try:
        yield running
    finally:
        running.kill()
        await running.wait()


async def says(running: Process, what: str) -> None:
    assert running.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        while what not in (line := (await running.stdout.readline()).decode()):
            assert line, f"it ended before it said {what!r}"


@pytest.mark.timeout(300)
@pytest.mark.requirement("R-28")
async def test_a_feed_that_was_stopped_past_its_lease_writes_nothing_when_it_goes_on(
    redis: Redis, redis_url: str, fresh: TestDatabase, upload: Any, bars_csv: Any, symbol: str
) -> None:
    assert (await upload({f"{symbol}.csv": bars_csv("2026-10-30,1,2,1,2,10,")})).status_code == 201
    channel = f"feed.told.{new_id()}"
    common = (fresh.app_url, fresh.system_url, redis_url, channel)
    async with redis.pubsub(ignore_subscribe_messages=True) as heard, process(*common, FIRST) as first:
        await heard.subscribe(f"market:{symbol}")

        async def told_by(moments: set[str], until: str | None, seconds: float) -> list[str]:
            """Feed, and return who told quotes, until one did; or for as long."""
            told: list[str] = []
            loop = asyncio.get_running_loop()
            ends = loop.time() + seconds
            while until not in told and loop.time() < ends:
                await redis.publish(channel, shown(symbol))
                while (message := await heard.get_message(timeout=0.05)) is not None:
                    told.append(json.loads(message["data"])["timestamp"][:16])
            assert until in {*told, None}, f"told by {set(told)}"
            assert set(told) <= moments
            return told

        await says(first, "live prices are heard")
        await told_by({FIRST[:16]}, FIRST[:16], PATIENCE_SECONDS)
        first.send_signal(signal.SIGSTOP)
        async with process(*common, SECOND) as second:
            await says(second, "live prices are heard")
            await told_by({FIRST[:16], SECOND[:16]}, SECOND[:16], PATIENCE_SECONDS)
            # what the feed told meanwhile waits in the stopped one's connection: it would be told now
            first.send_signal(signal.SIGCONT)
            assert await told_by({SECOND[:16]}, None, A_WHILE_SECONDS)
            await says(first, "starts over")
            assert await told_by({SECOND[:16]}, None, A_WHILE_SECONDS)

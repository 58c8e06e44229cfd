"""The worker's roller: quotes of Redis become stored minutes and announced facts, once, through restarts."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kit.db import Database
from kit.testing.databases import TestDatabase
from kit.testing.tasks import ended
from market import roller as rolling
from market.domain.minute import Minute
from market.roller import MinuteRoller, feed_stalled
from market.store import minutes
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from sqlalchemy import text

BEGIN = datetime(2026, 11, 20, 0, 0, tzinfo=UTC)
HEARD = "feed_heard_timestamp_seconds"


class Clock:
    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def roller(
    database: Database, redis: Redis, fresh: TestDatabase, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], Any]:
    monkeypatch.setattr(rolling, "FLUSH_SECONDS", 0.05)
    monkeypatch.setattr(rolling, "HEAR_SECONDS", 0.02)

    @asynccontextmanager
    async def running() -> AsyncIterator[None]:
        task = asyncio.create_task(MinuteRoller(database, redis, fresh.system_url, clock).run())
        try:
            yield
        finally:
            await ended(task)

    return running


@pytest.fixture
def quoted(redis: Redis, symbol: str, a_quote: Callable[..., str]) -> Callable[..., Any]:
    """`await quoted(seconds, price, total)`: publish a quote until the roller has it in its forming minute."""

    async def publish(seconds: int, price: str, total: int) -> dict[str, Any]:
        at = (BEGIN + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
        message = json.loads(a_quote(symbol, price=price, timestamp=at)) | {"volume": total}
        async with asyncio.timeout(30):
            while True:
                await redis.publish(f"market:{symbol}", json.dumps(message))
                kept = json.loads(await redis.get(f"realtime.bar1m:{symbol}") or "{}")
                if kept.get("total") == total:
                    return dict(kept)
                await asyncio.sleep(0.05)

    return publish


async def stored(database: Database, symbol: str, count: int) -> list[tuple[Any, ...]]:
    query = text("SELECT at, open, high, low, close, volume FROM minute_bars WHERE symbol = :symbol ORDER BY at")
    async with asyncio.timeout(30):
        while True:
            async with database.system() as session:
                rows = [tuple(row) for row in await session.execute(query, {"symbol": symbol})]
            if len(rows) >= count:
                return rows
            await asyncio.sleep(0.05)


async def announced(database: Database, symbol: str) -> list[dict[str, Any]]:
    query = text("SELECT data FROM events WHERE type = 'market.bar.closed.v1' AND subject = :symbol ORDER BY position")
    async with database.system() as session:
        return [row.data for row in await session.execute(query, {"symbol": symbol})]


async def test_a_minute_is_stored_announced_and_published_when_it_ends(
    roller: Any, quoted: Any, database: Database, symbol: str, clock: Clock, redis: Redis
) -> None:
    async with roller():
        await quoted(1, "100", 10)
        forming = await quoted(30, "103", 25)
        assert (forming["open"], forming["high"], forming["volume"], forming["closed"]) == ("100", "103", 15, False)
        clock.now = BEGIN + timedelta(seconds=63)
        assert await stored(database, symbol, 1) == [(BEGIN, 100, 103, 100, 103, 15)]
        facts = await announced(database, symbol)
        assert [(fact["start"], fact["close"], fact["volume"]) for fact in facts] == [
            ("2026-11-20T00:00:00Z", "103", 15)
        ]
        async with asyncio.timeout(30):
            while not json.loads(await redis.get(f"realtime.bar1m:{symbol}"))["closed"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)


async def test_a_closed_minute_is_published_once_however_often_its_last_quote_is_repeated(
    roller: Any, quoted: Any, database: Database, symbol: str, clock: Clock, redis: Redis
) -> None:
    async with roller(), redis.pubsub() as feed:
        await feed.subscribe(f"market.bar1m:{symbol}")
        await quoted(1, "100", 10)
        clock.now = BEGIN + timedelta(seconds=63)
        await stored(database, symbol, 1)
        for seconds in range(63, 68):
            await quoted(seconds, "100", 10)
            await asyncio.sleep(2 * rolling.FLUSH_SECONDS)
        await quoted(68, "101", 12)
        heard: list[dict[str, Any]] = []
        async with asyncio.timeout(30):
            while not (heard and heard[-1]["total"] == 12):
                if message := await feed.get_message(ignore_subscribe_messages=True, timeout=1):
                    heard.append(json.loads(message["data"]))
        assert [minute["total"] for minute in heard if minute["closed"]] == [10]


@pytest.mark.requirement("R-28")
async def test_a_restart_in_the_middle_of_a_minute_loses_nothing_of_it_and_tells_nothing_twice(
    roller: Any, quoted: Any, database: Database, symbol: str, clock: Clock
) -> None:
    async with roller():
        await quoted(1, "100", 10)
        await quoted(20, "110", 30)
    async with roller():
        await quoted(40, "105", 44)
        clock.now = BEGIN + timedelta(seconds=70)
        assert await stored(database, symbol, 1) == [(BEGIN, 100, 110, 100, 105, 34)]
    async with roller():
        await quoted(70, "106", 50)
        clock.now = BEGIN + timedelta(seconds=130)
        assert [row[5] for row in await stored(database, symbol, 2)] == [34, 6]
    assert len(await announced(database, symbol)) == 2


@pytest.mark.requirement("R-28")
async def test_of_two_rollers_only_one_rolls(
    roller: Any, quoted: Any, database: Database, symbol: str, clock: Clock
) -> None:
    async with roller(), roller():
        await quoted(1, "100", 10)
        await quoted(20, "101", 12)
        clock.now = BEGIN + timedelta(seconds=70)
        await stored(database, symbol, 1)
    assert len(await announced(database, symbol)) == 1


async def test_what_cannot_be_read_stops_nothing(roller: Any, quoted: Any, redis: Redis, symbol: str) -> None:
    await redis.set(f"realtime.bar1m:{symbol}X", '{"type": "bar:1m"}')
    async with roller():
        await quoted(1, "100", 10)
        for nonsense in ("{", "[]", '{"symbol": "x"}', '{"symbol":"x","price":"NaN"}'):
            await redis.publish(f"market:{symbol}", nonsense)
        assert (await quoted(2, "101", 12))["close"] == "101"


async def test_a_real_feed_replaces_a_replayed_minute_and_a_replay_replaces_nothing(
    database: Database, symbol: str
) -> None:
    def minute(source: str, price: int) -> Minute:
        return Minute(
            "bar:1m", symbol, "KRX", "2026-11-20T00:00:00Z", *[rolling.decimal_from(str(price))] * 4, 1, 1, True, source
        )

    async def saved(one: Minute) -> int:
        async with database.system() as session:
            return len(await minutes.save(session, [one]))

    assert await saved(minute("replay", 1)) == 1
    assert await saved(minute("replay", 2)) == 0
    assert await saved(minute("kis", 3)) == 1
    assert await saved(minute("replay", 4)) == 0
    assert [row[1] for row in await stored(database, symbol, 1)] == [3]


async def test_a_feed_that_falls_silent_while_its_market_is_open_is_announced_once_and_so_is_its_return(
    roller: Any, redis: Redis, database: Database, symbol: str, clock: Clock, a_quote: Callable[..., str]
) -> None:
    source = f"feed-{symbol}"
    facts = text("SELECT type, data FROM events WHERE subject = :source ORDER BY position")

    async def told(count: int) -> list[Any]:
        async with asyncio.timeout(30):
            while True:
                async with database.system() as session:
                    rows = list(await session.execute(facts, {"source": source}))
                if len(rows) >= count:
                    return rows
                await redis.publish("market:other", a_quote(symbol, source="another", price=str(clock.now.second)))
                await asyncio.sleep(0.05)

    async def heard() -> None:
        """Let the feed say one thing until the roller says that it was heard at this moment of the clock."""
        feed = {"market": "KRX", "source": source}
        async with asyncio.timeout(30):
            while REGISTRY.get_sample_value(HEARD, feed) != clock.now.timestamp():
                await redis.publish(f"market:{symbol}", a_quote(symbol, source=source))
                await asyncio.sleep(0.05)

    clock.now = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)  # ten in Seoul, a Friday
    async with roller():
        await heard()
        clock.now += timedelta(seconds=31)
        (stalled,) = await told(1)
        assert (stalled.type, stalled.data["market"]) == ("market.feed.stalled.v1", "KRX")
        assert REGISTRY.get_sample_value("feed_stalled", {"market": "KRX", "source": source}) == 1
        clock.now += timedelta(seconds=20)
        await heard()
        _, recovered = await told(2)
        assert (recovered.type, recovered.data["silent_seconds"]) == ("market.feed.recovered.v1", 51)
        assert REGISTRY.get_sample_value("feed_stalled", {"market": "KRX", "source": source}) == 0
    assert not list(feed_stalled.collect()[0].samples), "who does not roll does not say how feeds are"

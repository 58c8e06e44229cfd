"""Alerts: 10,000 of them on 1,000 quotes a second, from the quote to the queue of a channel.

It uses the servers of the tests and a database of its own, runs the worker's watcher in a process of its own, and
publishes quotes as market does. A triggered alert is timed from just before its
quote is published until the hint arrives that the watcher sends after the commit of notice and delivery: the way back
through Redis is in the figure. At the end some symbols jump, each past many alerts at once: there the last notice
counts.
"""

import asyncio
import itertools
import json
import multiprocessing
import os
import secrets
import time

import asyncpg
import psutil
from kit import cache
from kit.clock import now
from kit.ids import new_id
from kit.testing import databases
from notification.config import Settings
from notification.resources import open_resources
from notification.watcher import Watcher
from redis.asyncio import Redis

from benchmarks.results import Result, result
from tools.stack import ensure_test_servers

ALERTS = 10_000
OWNERS = 100
SYMBOLS = 200
QUOTES_PER_SECOND = 1_000
SECONDS = 20
TRIGGERED_PER_SECOND = 20
BASE = 10_000
"""The price before any alert is met; the nth alert of a symbol waits for n more."""
JUMPING = 20
JUMPED_OVER = 20
"""So many symbols jump in the same moment, each past so many alerts."""
STEP_SECONDS = 0.01
SETTLE_SECONDS = 5
START_SECONDS_MAX = 60
P99_MS_MAX = 500

ADD_CHANNELS = """
INSERT INTO channels (id, owner_id, kind, name, shown, sealed, status, retry_at, created_at)
SELECT gen_random_uuid(), owner, 'webhook', 'bench', '', '', 'active', now(), now() FROM unnest($1::uuid[]) AS owner
"""
ADD_ALERTS = """
INSERT INTO alerts (id, owner_id, symbol, condition, value, repeat, status, created_at)
SELECT gen_random_uuid(), ($1::uuid[])[1 + n % cardinality($1::uuid[])], 'B' || n % $2, 'price_above',
       $3 + 1 + n / $2, false, 'active', now()
  FROM generate_series(0, $4 - 1) AS n
"""


def watch(settings: Settings) -> None:
    """Be the worker's watcher, in a process of its own."""

    async def run() -> None:
        async with open_resources(settings) as resources:
            await Watcher(resources, settings.redis_url.get_secret_value(), now).run()

    asyncio.run(run())


async def fill(address: str) -> None:
    """Give every owner a channel and their share of the alerts."""
    connection = await asyncpg.connect(address)
    try:
        owners = [new_id() for _ in range(OWNERS)]
        await connection.execute(ADD_CHANNELS, owners)
        await connection.execute(ADD_ALERTS, owners, SYMBOLS, BASE, ALERTS)
    finally:
        await connection.close()


async def send_quotes(redis: Redis, prices: list[int], sent: dict[tuple[str, str], float]) -> float:
    """Publish quotes at a steady rate, some of which meet one alert each; return how many a second there were."""
    rising = itertools.cycle(range(SYMBOLS))
    per_step = round(QUOTES_PER_SECOND * STEP_SECONDS)
    rises_every = QUOTES_PER_SECOND // TRIGGERED_PER_SECOND
    began, count = time.perf_counter(), 0
    for step in range(round(SECONDS / STEP_SECONDS)):
        pipe = redis.pipeline(transaction=False)
        for _ in range(per_step):
            symbol = count % SYMBOLS
            if count % rises_every == 0:
                symbol = next(rising)
                prices[symbol] += 1
                sent[f"B{symbol}", str(prices[symbol])] = time.perf_counter()
            pipe.publish(f"market:B{symbol}", a_quote(prices[symbol]))
            count += 1
        await pipe.execute()
        await asyncio.sleep(max(0, began + (step + 1) * STEP_SECONDS - time.perf_counter()))
    return count / (time.perf_counter() - began)


def a_quote(price: int) -> str:
    """Write a quote as market publishes it."""
    return json.dumps({"type": "quote", "price": str(price), "timestamp": now().isoformat()})


async def jump(redis: Redis, prices: list[int], sent: dict[tuple[str, str], float]) -> None:
    """Let symbols jump, all in the same moment."""
    pipe = redis.pipeline(transaction=False)
    moment = time.perf_counter()
    for symbol in range(JUMPING):
        prices[symbol] += JUMPED_OVER
        sent[f"B{symbol}", str(prices[symbol])] = moment
        pipe.publish(f"market:B{symbol}", a_quote(prices[symbol]))
    await pipe.execute()


async def hear_notices(redis: Redis, heard: dict[tuple[str, str], list[float]]) -> None:
    """Note when the hint of each notice comes."""
    async with redis.pubsub() as channel:
        await channel.psubscribe("account:*")
        async for message in channel.listen():
            if message["type"] == "pmessage":
                moment = time.perf_counter()
                for _seq, kind, data in json.loads(message["data"] or "[]"):
                    if kind == "notice":
                        heard.setdefault((data["data"]["symbol"], data["data"]["price"]), []).append(moment)


async def until_watched(redis: Redis) -> None:
    """Wait until the watcher listens, and has had time to read the alerts."""
    async with asyncio.timeout(START_SECONDS_MAX):
        while await redis.pubsub_numpat() < 3:  # noqa: ASYNC110 - it is another process that begins
            await asyncio.sleep(0.1)
    await asyncio.sleep(SETTLE_SECONDS)


def measure() -> list[Result]:
    """Run it once."""
    servers = ensure_test_servers()
    os.environ.update(servers)
    return asyncio.run(_measure(servers))


async def _measure(servers: dict[str, str]) -> list[Result]:
    server = servers["EXODUS_TEST_POSTGRES"].replace("postgresql+asyncpg://", "postgresql://")
    template = await asyncio.to_thread(databases.ensure_template, server, "notification")
    database = await databases.create(server, "notification", template)
    settings = Settings(
        environment="test",
        http_port=1,
        worker_port=2,
        database_url=database.app_url,
        system_database_url=database.system_url,
        amqp_url=servers["EXODUS_TEST_AMQP"],
        redis_url=servers["EXODUS_TEST_REDIS"],
        jwks_url="http://127.0.0.1:9/",
        sealing_key=secrets.token_hex(32),
        market_url="http://127.0.0.1:9/",
        auth_url="http://127.0.0.1:9/",
        service_secret=secrets.token_hex(32),
    )
    await fill(database.admin_url)
    process = multiprocessing.get_context("spawn").Process(target=watch, args=(settings,), daemon=True)
    process.start()
    sent, jumped = dict[tuple[str, str], float](), dict[tuple[str, str], float]()
    heard = dict[tuple[str, str], list[float]]()
    redis = cache.connect(servers["EXODUS_TEST_REDIS"])
    listening = asyncio.create_task(hear_notices(redis, heard))
    await until_watched(redis)
    watcher, used = psutil.Process(process.pid), 0.0
    try:
        before = sum(watcher.cpu_times()[:2])
        prices = [BASE] * SYMBOLS
        rate = await send_quotes(redis, prices, sent)
        await asyncio.sleep(SETTLE_SECONDS)
        used = sum(watcher.cpu_times()[:2]) - before
        await jump(redis, prices, jumped)
        await asyncio.sleep(SETTLE_SECONDS)
    finally:
        listening.cancel()
        process.terminate()
        await asyncio.to_thread(process.join, 10)
        await redis.aclose()
        await databases.drop(server, database)
    waits = sorted((heard[key][0] - moment) * 1_000 for key, moment in sent.items() if key in heard)
    jumps = [(heard[key][-1] - moment) * 1_000 for key, moment in jumped.items() if key in heard]
    missing = len(sent) - len(waits) + JUMPING * JUMPED_OVER - sum(len(heard.get(key, ())) for key in jumped)
    return [
        result("alerts_quotes_per_second", rate, "quotes/s"),
        result("alerts_watcher_cpu", used / (SECONDS + SETTLE_SECONDS) * 100, "% of a core"),
        result("alerts_triggered_missing", missing, "alerts"),
        result("alert_to_queue_p50", waits[len(waits) // 2], "ms"),
        result("alert_to_queue_p99", waits[min(len(waits) - 1, len(waits) * 99 // 100)], "ms"),
        result("alerts_jump_to_queue_last", max(jumps, default=0.0), "ms"),
    ]

"""Quotes: how many reach 500 clients of 20 symbols each, through the whole edge, and how late.

`quote_fanout`: quotes are published in Redis as market publishes them, and counted behind TLS gateway, token check,
subscriptions, conflation and bounded queues; against a bare `websockets.broadcast` of the same quotes from the same
Redis. The next half of the quotes goes out when the half before it has arrived, so both are measured at what they can
do. Latency is taken at half of that rate, once with a client that has stopped reading.

Alone: `python -m benchmarks.quotes` (a platform of its own is started).
"""

import asyncio
import json
import math
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import uvloop
from redis.asyncio import Redis

from benchmarks import frames
from benchmarks.frames import Client, Tally
from benchmarks.results import Result, publish, result
from tools import cli
from tools.native import credentials
from tools.native.layout import ROOT, Layout
from tools.people import Trader

CLIENTS = 500
SYMBOLS = 20
CLIENTS_PER_USER = 5
SECONDS = 10
BARE_PORT_ABOVE_GATEWAY = 457
STUCK_SECONDS = 2.0
START_SECONDS_MAX = 15


def codes() -> list[str]:
    """Symbols that nobody else quotes."""
    return [f"9B{place:04d}" for place in range(SYMBOLS)]


class Publisher:
    """Publishes as market does: keep and publish, one round trip for many symbols."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._price = 70_000

    async def publish(self, symbols: list[str]) -> None:
        """Quote each symbol once, stamped with this process's clock."""
        self._price += 100
        pipeline = self._redis.pipeline(transaction=False)
        for symbol in symbols:
            text = self._quote(symbol)
            pipeline.set(f"realtime:{symbol}", text)
            pipeline.publish(f"market:{symbol}", text)
        await pipeline.execute()

    def _quote(self, symbol: str) -> str:
        price = str(self._price)
        quote: dict[str, Any] = {"type": "quote", "sent_ns": time.perf_counter_ns(), "symbol": symbol}
        quote |= {"market": "KRX", "board": "KOSPI", "kind": "stock", "currency": "KRW", "name": "삼성전자"}
        quote |= {"price": price, "change": "100", "change_percent": "0.14", "volume": 1_234_567}
        quote |= {"bid": price, "ask": price, "bid_size": "500", "ask_size": "420", "base_price": "70000"}
        quote |= {"upper_limit": "91000", "lower_limit": "49000", "open": "70000", "high": price, "low": "69900"}
        quote |= {"session": "regular", "trading_date": "2026-11-20", "timestamp": "2026-11-20T01:02:03.456Z"}
        return json.dumps(quote | {"source": "bench"}, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Flood:
    """What a closed loop got through."""

    rate: float
    stuck: int


async def flood(publisher: Publisher, tally: Tally, clients: int, seconds: float) -> Flood:
    """Publish the next half when the half before has arrived; a half that never arrives whole is counted as stuck."""
    symbols, stuck = codes(), 0
    halves = (symbols[: SYMBOLS // 2], symbols[SYMBOLS // 2 :])
    half = clients * SYMBOLS // 2
    began, start = time.perf_counter(), tally.frames
    turn = expected = 0
    while (now := time.perf_counter()) - began < seconds:
        await publisher.publish(halves[turn % 2])
        turn, expected = turn + 1, expected + half
        while expected - (tally.frames - start) > half:
            if time.perf_counter() - now > STUCK_SECONDS:
                stuck, expected = stuck + 1, tally.frames - start
                break
            await asyncio.sleep(0.0005)
    return Flood((tally.frames - start) / (time.perf_counter() - began), stuck)


async def steady(publisher: Publisher, tally: Tally, rate: float, clients: int, seconds: float) -> Tally:
    """Publish one symbol after another at a steady rate of deliveries; return what arrived meanwhile."""
    before, period, symbols = tally.frames, clients / rate, codes()
    tally.seconds = type(tally.seconds)("d")
    began = time.perf_counter()
    for turn in range(math.ceil(seconds / period)):
        await asyncio.sleep(max(0.0, began + turn * period - time.perf_counter()))
        await publisher.publish([symbols[turn % SYMBOLS]])
    await asyncio.sleep(1)
    return Tally(frames=tally.frames - before, seconds=tally.seconds)


async def watchers(layout: Layout, tally: Tally, clients: int, people: list[Trader]) -> list[Client]:
    """Open connections through the gateway that watch every symbol."""
    trust, opened = cli.gateway_of(layout).trust, []
    for place in range(clients):
        client = await frames.enter(layout.ports.gateway, "/ws/market", tally, trust)
        client.say(action="auth", token=people[place // CLIENTS_PER_USER].token)
        await client.hear(b"authenticated")
        client.say(action="subscribe", symbols=codes(), channels=["quote"])
        await client.hear(b'"subscribed"')
        opened.append(client)
    await asyncio.sleep(1)  # what stood before has been shown
    for client in opened:
        client.counting = True
    return opened


@asynccontextmanager
async def redis_of(layout: Layout) -> AsyncIterator[tuple[Redis, str]]:
    """The platform's Redis, where market writes its quotes."""
    passwords = credentials.open_passwords(layout)
    url = credentials.redis_url(passwords, credentials.Addresses.native(layout).redis)
    redis = Redis.from_url(url)
    try:
        yield redis, url
    finally:
        for symbol in codes():
            await redis.delete(f"realtime:{symbol}", f"realtime.bar1m:{symbol}")
        await redis.aclose()


@contextmanager
def bare_program(port: int, redis_url: str) -> Iterator[None]:
    """Run the baseline on the same Redis."""
    command = [sys.executable, "-m", "benchmarks.baselines.bare_broadcast", str(port), redis_url, "market:9B*"]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


async def bare(layout: Layout, publisher: Publisher, redis_url: str, clients: int) -> Flood:
    """Flood the baseline as the platform is flooded."""
    port, tally = layout.ports.gateway + BARE_PORT_ABOVE_GATEWAY, Tally()
    with bare_program(port, redis_url):
        opened: list[Client] = []
        async with asyncio.timeout(START_SECONDS_MAX):
            while len(opened) < clients:
                with suppress(OSError):
                    opened.append(await frames.enter(port, "/", tally))
                    continue
                await asyncio.sleep(0.1)
        for client in opened:
            client.counting = True
        measured = await flood(publisher, tally, clients, SECONDS)
        for client in opened:
            client.transport.abort()
    return measured


async def measure(layout: Layout) -> list[Result]:
    """Measure the flood beside its baseline, latency at half of it, and what a stalled client does to the others."""
    people = [await Trader.sign_up(cli.gateway_of(layout), "Watcher") for _ in range(CLIENTS // CLIENTS_PER_USER)]
    async with redis_of(layout) as (redis, redis_url):
        publisher, tally = Publisher(redis), Tally()
        baseline = await bare(layout, publisher, redis_url, CLIENTS)
        few = await watchers(layout, tally, CLIENTS // 10, people)
        tenth = await flood(publisher, tally, len(few), SECONDS / 2)
        for client in few:
            client.transport.close()
        await asyncio.sleep(1)
        tally = Tally()
        crowd = await watchers(layout, tally, CLIENTS, people)
        whole = await flood(publisher, tally, CLIENTS, SECONDS)
        again = await bare(layout, publisher, redis_url, CLIENTS)
        half = await steady(publisher, tally, whole.rate / 2, CLIENTS, SECONDS)
        crowd[0].stop_reading()
        beside = await steady(publisher, tally, whole.rate / 2, CLIENTS, SECONDS)
        for client in crowd:
            client.transport.abort()
    for person in people:
        await person.leave()
    best = max(baseline.rate, again.rate)
    slower = tenth.rate / whole.rate
    return [
        result("quote_fanout", whole.rate, "messages/s", best),
        result("quote_fanout_stuck", whole.stuck, "halves"),
        result("quote_fanout_p99_at_half", half.percentile(0.99), "ms"),
        result("quote_fanout_p99_beside_a_stalled_client", beside.percentile(0.99), "ms"),
        result("quote_fanout_exponent", 1 + math.log10(slower), "exponent"),
    ]


def fan_out(layout: Layout) -> list[Result]:
    """Run `measure` on the fastest loop there is, so that the load generator costs the least."""
    return uvloop.run(measure(layout))


if __name__ == "__main__":
    from tools.native.ports import Ports

    base, gateway, gateway_http = map(int, sys.argv[2:5])
    publish(fan_out(Layout(ROOT / sys.argv[1], Ports(base, gateway, gateway_http))), "some")

"""Neighbours (R-32): what one tenant notices of another who asks for ten times as much as allowed.

B orders, reads and watches quotes at a calm rate, in turns with and without A beside it. A may call 600 times a
minute and calls 6,000 times, half of it reads and half of it orders; it holds as many streams of quotes as it may,
each with as many symbols as it may, and keeps trying for ten times as many. Whatever is beyond its quota has to be
refused at so little cost that B's slowest hundredth stays within 20 % of what it is alone.

Of every turn the p99 is taken, and of the turns the median: a hiccup of the machine is in one turn, and so in none.
"""

import asyncio
import itertools
import json
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from benchmarks import frames
from benchmarks.frames import Tally
from benchmarks.load import ANSWER_SECONDS_MAX, Client, Connection, Measured, at_a_steady_rate
from benchmarks.orders import ORDERS_PATH, RESTING_PRICE, Crowd, orders_of
from benchmarks.quotes import Publisher, codes, redis_of
from benchmarks.results import Result, result
from tools import cli, service_commands
from tools.native.layout import Layout
from tools.people import Trader
from tools.private_stack import SYMBOLS

QUOTA_PER_MINUTE: Final = 600
TIMES: Final = 10
STREAMS_MAX: Final = 5
SYMBOLS_EACH: Final = 500
ORDERS_RATE: Final = 15
READS_RATE: Final = 30
QUOTES_RATE: Final = 50
TURNS: Final = 7
TURN_SECONDS: Final = 8
WARM_UP_SECONDS: Final = 3
PAUSE_SECONDS: Final = 2
CANCELLED_SECONDS_MAX: Final = 60
P99_RATIO_MAX: Final = 1.2
READ_PATH: Final = f"/api/v1/market/quotes/{SYMBOLS[0]}"


@dataclass
class Turns:
    """The p99 of each turn, in milliseconds, and what was refused in all of them."""

    p99: dict[str, list[float]] = field(default_factory=lambda: {"order": [], "read": [], "quote": []})
    failures: Counter[str] = field(default_factory=Counter)

    def median(self, what: str) -> float:
        """What half of the turns stayed within."""
        return statistics.median(self.p99[what])


@dataclass
class Calm:
    """B, with its connections open."""

    publisher: Publisher
    tally: Tally
    ordering: list[Client]
    reading: list[Connection]
    token: str

    async def turn(self, turns: Turns, seconds: float) -> None:
        """Order, read and watch side by side; note how long the slowest took."""
        self.tally.seconds = type(self.tally.seconds)("d")
        ordered, read, _ = await asyncio.gather(
            at_a_steady_rate(self.ordering, ORDERS_RATE, seconds),
            self._read(seconds),
            self._quote(seconds),
        )
        turns.p99["order"].append(ordered.percentile(0.99))
        turns.p99["read"].append(read.percentile(0.99))
        turns.p99["quote"].append(self.tally.percentile(0.99))
        turns.failures.update(ordered.failures)
        turns.failures.update(read.failures)

    async def _read(self, seconds: float) -> Measured:
        measured, free = Measured(), asyncio.Queue[Connection]()
        for connection in self.reading:
            free.put_nowait(connection)

        async def ask(due: float) -> None:
            connection = await free.get()
            status, _ = await connection.get(READ_PATH, self.token)
            if status == 200:
                measured.seconds.append(time.perf_counter() - due)
            else:
                measured.failed(str(status))
            free.put_nowait(connection)

        await _at_a_rate(READS_RATE, seconds, ask)
        return measured

    async def _quote(self, seconds: float) -> None:
        symbols = itertools.cycle(codes())

        async def tell(_due: float) -> None:
            await self.publisher.publish([next(symbols)])

        await _at_a_rate(QUOTES_RATE, seconds, tell)


async def _at_a_rate(rate: float, seconds: float, do: Callable[[float], Awaitable[None]]) -> None:
    """Do something whenever it falls due, whatever became of the times before."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(_coroutine(do, due))


async def _coroutine(do: Callable[[float], Awaitable[None]], due: float) -> None:
    await do(due)


@dataclass
class Greedy:
    """A, which never has enough."""

    layout: Layout
    trader: Trader
    answers: Counter[str] = field(default_factory=Counter)

    async def flood(self) -> None:
        """Ask for ten times the quota of calls and of streams, until cancelled."""
        rate = QUOTA_PER_MINUTE / 60 * TIMES
        async with asyncio.TaskGroup() as group:
            group.create_task(self._call(rate / 2, orders_of(self.trader, {"limit_price": RESTING_PRICE})))
            group.create_task(self._call(rate / 2, None))
            for _ in range(STREAMS_MAX * TIMES):
                group.create_task(self._watch())

    async def _call(self, rate: float, body: Callable[[], bytes] | None) -> None:
        trust, port = cli.gateway_of(self.layout).trust, self.layout.ports.gateway
        connections = [await Connection.open(port, trust) for _ in range(4)]
        began = time.perf_counter()

        async def drive(place: int) -> None:
            for number in itertools.count(place, len(connections)):
                await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
                async with asyncio.timeout(ANSWER_SECONDS_MAX):
                    if body is None:
                        status, _ = await connections[place].get(READ_PATH, self.trader.token)
                    else:
                        status, _ = await connections[place].post(ORDERS_PATH, body(), self.trader.token)
                self.answers[str(status)] += 1

        try:
            await asyncio.gather(*(drive(place) for place in range(len(connections))))
        finally:
            for connection in connections:
                connection.close()

    async def _watch(self) -> None:
        """Watch a stream for as long as it is allowed, and try again each second."""
        trust, port = cli.gateway_of(self.layout).trust, self.layout.ports.gateway
        symbols = [*codes(), *(f"9A{place:04d}" for place in range(SYMBOLS_EACH - len(codes())))]
        while True:
            client: frames.Client | None = None
            try:
                client = await frames.enter(port, "/ws/market", Tally(), trust)
                client.say(action="auth", token=self.trader.token)
                await client.hear(b"authenticated")
                client.say(action="subscribe", symbols=symbols, channels=["quote", "trade", "orderbook", "bar:1m"])
                await client.hear(b'"subscribed"')
                client.counting = True
                self.answers["stream"] += 1
                while client.close_code is None and not client.transport.is_closing():  # noqa: ASYNC110 - nothing to await
                    await asyncio.sleep(1)
            except (OSError, TimeoutError):
                self.answers["no stream"] += 1
            finally:
                if client is not None:
                    client.transport.abort()
            await asyncio.sleep(1)


async def _nothing_is_open(trader: Trader) -> None:
    """Cancel what a turn left in the book, and wait for it: an account may have so many open orders and no more."""
    of_the_account = f"/trading/orders?account_id={trader.account_id}"
    await trader.call("DELETE", of_the_account)
    for status in ("submitted", "accepted", "pending_cancel"):
        await trader.until(f"{of_the_account}&status={status}", lambda shown: not shown["items"], CANCELLED_SECONDS_MAX)


async def _greedy(layout: Layout) -> Greedy:
    """Sign up A with money, and bound its calls as an operator would."""
    (trader,) = (await Crowd.gather(layout, 1)).traders
    service_commands.auth_admin(layout, "limit", trader.email, "calls-per-minute", str(QUOTA_PER_MINUTE))
    await trader.log_in()  # the token says the quota
    return Greedy(layout, trader)


async def measure(layout: Layout) -> list[Result]:
    """Measure B with and without A, in turns."""
    crowd, greedy = await Crowd.gather(layout, 1), await _greedy(layout)
    (trader,) = crowd.traders
    trust, port = cli.gateway_of(layout).trust, layout.ports.gateway
    alone, beside = Turns(), Turns()
    async with redis_of(layout) as (redis, _):
        tally = Tally()
        watcher = await frames.enter(port, "/ws/market", tally, trust)
        watcher.say(action="auth", token=trader.token)
        await watcher.hear(b"authenticated")
        watcher.say(action="subscribe", symbols=codes(), channels=["quote"])
        await watcher.hear(b'"subscribed"')
        watcher.counting = True
        reading = [await Connection.open(port, trust) for _ in range(4)]
        ordering = await crowd.clients({"limit_price": RESTING_PRICE})
        calm = Calm(Publisher(redis), tally, ordering, reading, trader.token)
        await calm.turn(Turns(), WARM_UP_SECONDS)
        for _ in range(TURNS):
            await _nothing_is_open(trader)
            await calm.turn(alone, TURN_SECONDS)
            await _nothing_is_open(trader)
            flood = asyncio.create_task(greedy.flood())
            await asyncio.sleep(PAUSE_SECONDS)
            await calm.turn(beside, TURN_SECONDS)
            flood.cancel()
            with suppress(asyncio.CancelledError):
                await flood
            await asyncio.sleep(PAUSE_SECONDS)
        watcher.transport.abort()
    print(f"  neighbours: answers to A {json.dumps(greedy.answers)}")
    print(f"  neighbours: B not served {dict(beside.failures)} beside A, {dict(alone.failures)} alone")
    for person in (trader, greedy.trader):
        await person.leave()
    return [
        *(
            result(f"neighbour_{what}_p99", beside.median(what), "ms", alone.median(what))
            for what in ("order", "read", "quote")
        ),
        result("neighbour_not_served", alone.failures.total() + beside.failures.total(), "requests"),
    ]

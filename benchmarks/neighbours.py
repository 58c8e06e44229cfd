"""Neighbours (R-32): what one tenant notices of another who asks for ten times as much as allowed.

B orders, reads and watches quotes at a calm rate, in three kinds of turns: alone, beside A at its quota, and beside A
at ten times its quota. A may call 600 times a minute, half of it reads and half of it orders, and may hold five streams
of quotes, each with as many symbols as a stream may have; when it is greedy it calls 6,000 times and keeps trying for
fifty streams. What A is allowed costs something, and is A's right: a quota is how much of the platform one tenant may
use. What is beyond it has to be refused at so little cost that B's slowest hundredth stays within 20 % of what it is
beside an A that keeps to its quota. Against B alone the figures are shown too, and judged by nobody.

Of every turn the p99 is taken, and of the turns the median: a hiccup of the machine is in one turn, and so in none. The
kinds change places from round to round, and A is a program of its own (benchmarks/greedy.py). How many calls A may make
at once is part of its quota: that many are spent before a turn is measured.
"""

import asyncio
import itertools
import json
import statistics
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from benchmarks import costs, frames, greedy
from benchmarks.frames import Tally
from benchmarks.load import Client, Connection, Measured, at_a_steady_rate
from benchmarks.orders import ORDERS_PATH, RESTING_PRICE, Crowd
from benchmarks.quotes import Publisher, codes, redis_of
from benchmarks.results import Result, result
from tools import cli, service_commands
from tools.native.layout import Layout
from tools.people import Trader
from tools.private_stack import SYMBOLS

ALONE, ALLOWED, GREEDY = KINDS = (0, 1, 10)
"""How many times its quota A asks for."""
ORDERS_RATE: Final = 15
READS_RATE: Final = 30
QUOTES_RATE: Final = 50
TURNS: Final = 7
TURN_SECONDS: Final = 12
WARM_UP_SECONDS: Final = 3
MEASURED: Final = ("order", "read", "quote")
READERS: Final = 4
SHOWN: Final = 8
PAUSE_SECONDS: Final = 3
CANCELLED_SECONDS_MAX: Final = 60
P99_RATIO_MAX: Final = 1.2
READ_PATH: Final = f"/api/v1/market/quotes/{SYMBOLS[0]}"


@dataclass
class Turns:
    """The p99 of each turn, in milliseconds; of all turns, what was refused, A's answers and processor seconds."""

    p99: dict[str, list[float]] = field(default_factory=lambda: {what: [] for what in MEASURED})
    failures: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    spent: costs.Spent = field(default_factory=Counter)

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


async def _nothing_is_open(trader: Trader) -> None:
    """Cancel what a turn left in the book, and wait for it: an account may have so many open orders and no more."""
    of_the_account = f"/trading/orders?account_id={trader.account_id}"
    await trader.call("DELETE", of_the_account)
    for status in ("submitted", "accepted", "pending_cancel"):
        await trader.until(f"{of_the_account}&status={status}", lambda shown: not shown["items"], CANCELLED_SECONDS_MAX)


@dataclass
class Stage:
    """The platform, B on it, and A beside it in some of the turns."""

    layout: Layout
    calm: Calm
    traders: tuple[Trader, Trader]
    """B and A."""
    turns: dict[int, Turns] = field(default_factory=lambda: {times: Turns() for times in KINDS})

    def _wish(self, times: int) -> greedy.Wish:
        _, a = self.traders
        return greedy.Wish(
            port=self.layout.ports.gateway,
            certificate=str(cli.gateway_of(self.layout).certificate),
            token=a.token,
            orders_path=ORDERS_PATH,
            order=a.order("buy", SYMBOLS[0], 1, limit_price=RESTING_PRICE),
            read_path=READ_PATH,
            times=times,
            seconds=PAUSE_SECONDS + TURN_SECONDS,
        )

    async def turn(self, times: int) -> None:
        """Measure B once, beside an A that asks so many times its quota."""
        turns = self.turns[times]
        for trader in self.traders:
            await _nothing_is_open(trader)
        running = await greedy.Running.start(self._wish(times)) if times else None
        await asyncio.sleep(PAUSE_SECONDS)
        before = costs.spent(self.layout)
        await self.calm.turn(turns, TURN_SECONDS)
        turns.spent.update(costs.spent(self.layout))
        turns.spent.subtract(before)
        if running is not None:
            turns.answers.update(await running.answers())

    def tell(self) -> None:
        """Print what A was answered, what B was not, and which processes A cost how much."""
        seconds = TURNS * TURN_SECONDS
        for times, turns in self.turns.items():
            milliseconds = {name: round(1e3 * used / seconds, 1) for name, used in turns.spent.most_common(SHOWN)}
            p99 = {what: round(turns.median(what), 1) for what in MEASURED}
            print(f"  neighbours: beside A at {times} times its quota: p99 {json.dumps(p99)} ms")
            print(f"    processor time {1e3 * turns.spent.total() / seconds:.0f} ms/s: {json.dumps(milliseconds)}")
            print(f"    answers to A {json.dumps(turns.answers)}; B not served {json.dumps(turns.failures)}")


async def _bounded(layout: Layout, trader: Trader) -> None:
    """Bound somebody's calls as an operator would."""
    limit = ("limit", trader.email, "calls-per-minute", str(greedy.QUOTA_PER_MINUTE))
    await asyncio.to_thread(service_commands.auth_admin, layout, *limit)
    await trader.log_in()  # the token says the quota


async def _watching(layout: Layout, tally: Tally, token: str) -> frames.Client:
    watcher = await frames.enter(layout.ports.gateway, "/ws/market", tally, cli.gateway_of(layout).trust)
    watcher.say(action="auth", token=token)
    await watcher.hear(b"authenticated")
    watcher.say(action="subscribe", symbols=codes(), channels=["quote"])
    await watcher.hear(b'"subscribed"')
    watcher.counting = True
    return watcher


async def measure(layout: Layout) -> list[Result]:
    """Measure B in turns: alone, beside A at its quota, and beside A at ten times that."""
    crowd, others = await Crowd.gather(layout, 1), await Crowd.gather(layout, 1)
    b, a = *crowd.traders, *others.traders
    await _bounded(layout, a)
    async with redis_of(layout) as (redis, _):
        tally = Tally()
        watcher = await _watching(layout, tally, b.token)
        trust = cli.gateway_of(layout).trust
        reading = [await Connection.open(layout.ports.gateway, trust) for _ in range(READERS)]
        ordering = await crowd.clients({"limit_price": RESTING_PRICE})
        stage = Stage(layout, Calm(Publisher(redis), tally, ordering, reading, b.token), (b, a))
        await stage.calm.turn(Turns(), WARM_UP_SECONDS)
        for place in range(TURNS):
            for times in (*KINDS[place % len(KINDS) :], *KINDS[: place % len(KINDS)]):
                await stage.turn(times)
        watcher.transport.abort()
    stage.tell()
    for trader in (b, a):
        await trader.leave()
    alone, allowed, beside = (stage.turns[times].median for times in KINDS)
    not_served = sum(turns.failures.total() for turns in stage.turns.values())
    return [
        *(result(f"neighbour_{what}_p99", beside(what), "ms", allowed(what)) for what in MEASURED),
        *(result(f"neighbour_{what}_p99_to_alone", beside(what), "ms", alone(what)) for what in MEASURED),
        *(result(f"neighbour_{what}_p99_at_quota", allowed(what), "ms", alone(what)) for what in MEASURED),
        result("neighbour_not_served", not_served, "requests"),
    ]

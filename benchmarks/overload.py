"""Overload (R-31): a calm hour's rate for minutes, then five times as much; what is taken, refused, and how soon.

Requests fall due whatever became of the last ones, so a platform that falls behind shows it. Beside them goes a flood
of reads, and every second an order is canceled: what makes things safer must not wait. EXODUS_OVERLOAD_MINUTES says how
long the calm lasts (one, if it says nothing; R-31 wants ten); the rush lasts half as long.
"""

import asyncio
import itertools
import json
import os
import time
from collections import Counter
from dataclasses import dataclass, field

import psutil

from benchmarks import orders
from benchmarks.load import Connection
from benchmarks.results import Result, result
from tools import cli
from tools.native.layout import Layout
from tools.native.supervisor import Supervisor
from tools.people import Trader
from tools.private_stack import SYMBOLS

CALM_RATE = 50
RUSH = 5
READS_EACH = 10
"""Readers who ask again as soon as they are answered, in the rush."""
CONNECTIONS_EACH = 8
CANCEL_EVERY_SECONDS = 1.0
LOGGED_IN_SECONDS = 300.0
GOODPUT_EVERY_SECONDS = 15.0
ACCEPT_P99_MS_MAX = 150
REFUSE_P99_MS_MAX = 50
CANCEL_P99_MS_MAX = 500
GOODPUT_MIN = 0.8
GROWTH_MAX = 1.15


@dataclass
class Heard:
    """What became of the requests of one stretch: milliseconds by outcome, and how many were taken when."""

    rate: float
    took: dict[str, list[float]] = field(default_factory=dict)
    taken: Counter[int] = field(default_factory=Counter)
    unkept: int = 0
    """Requests that found no free connection: the platform held all of them."""

    def add(self, what: str, began: float) -> None:
        self.took.setdefault(what, []).append((time.perf_counter() - began) * 1e3)

    def p99(self, what: str) -> float:
        """The latency that 99 of 100 stayed within; nothing when there was none."""
        ordered = sorted(self.took.get(what, []))
        return ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))] if ordered else 0.0

    def curve(self, seconds: float) -> list[float]:
        """Orders taken per second in each stretch that was over when it ended."""
        return [self.taken[number] / GOODPUT_EVERY_SECONDS for number in range(int(seconds // GOODPUT_EVERY_SECONDS))]


@dataclass
class Seat:
    """A connection and whose it is."""

    connection: Connection
    trader: Trader


class Crowd:
    """Traders on many connections, who order at a rate, and some who read and cancel."""

    def __init__(self, layout: Layout, traders: list[Trader]) -> None:
        self._layout, self._traders = layout, traders
        self._numbers = itertools.count()
        self._cancelable: asyncio.Queue[tuple[Trader, str]] = asyncio.Queue(maxsize=1)

    async def seats(self, each: int) -> list[Seat]:
        trust, port = cli.gateway_of(self._layout).trust, self._layout.ports.gateway
        return [Seat(await Connection.open(port, trust), trader) for trader in self._traders for _ in range(each)]

    async def order_at(self, rate: float, seconds: float) -> Heard:
        """Let orders fall due at a rate, and see what becomes of them."""
        heard, free = Heard(rate), asyncio.Queue[Seat]()
        for seat in await self.seats(CONNECTIONS_EACH):
            free.put_nowait(seat)
        began, sending = time.perf_counter(), set[asyncio.Task[None]]()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            if free.empty():
                heard.unkept += 1
                continue
            task = asyncio.create_task(self._order(free, free.get_nowait(), heard, began))
            sending.add(task)
            task.add_done_callback(sending.discard)
        await asyncio.gather(*sending)
        while not free.empty():
            free.get_nowait().connection.close()
        return heard

    async def _order(self, free: asyncio.Queue[Seat], seat: Seat, heard: Heard, began: float) -> None:
        body = seat.trader.order("buy", SYMBOLS[0], 1, client_order_id=f"rush-{os.getpid()}-{next(self._numbers)}")
        sent = time.perf_counter()
        status, answer = await seat.connection.post(orders.ORDERS_PATH, json.dumps(body).encode(), seat.trader.token)
        said = json.loads(answer)
        heard.add("taken" if status == 201 else f"{status} {said.get('code')}", sent)
        free.put_nowait(seat)
        if status == 201:
            heard.taken[int((time.perf_counter() - began) // GOODPUT_EVERY_SECONDS)] += 1
            if self._cancelable.empty():
                self._cancelable.put_nowait((seat.trader, said["id"]))

    async def cancel_now_and_then(self, heard: Heard) -> None:
        """Cancel an order that was just taken, every second, until cancelled oneself."""
        [seat] = (await self.seats(1))[:1]
        while True:
            trader, order = await self._cancelable.get()
            sent = time.perf_counter()
            status, _ = await seat.connection.delete(f"{orders.ORDERS_PATH}/{order}", trader.token)
            heard.add("cancel" if status < 500 else f"cancel {status}", sent)
            await asyncio.sleep(CANCEL_EVERY_SECONDS)

    async def stay_logged_in(self) -> None:
        """Log in again, one after the other, sooner than a token expires: ten minutes are as long as one is good."""
        for trader in itertools.cycle(self._traders):
            await asyncio.sleep(LOGGED_IN_SECONDS / len(self._traders))
            await trader.log_in()

    async def read_all_the_time(self, seat: Seat, heard: Heard) -> None:
        """Ask for the list of orders again and again."""
        while True:
            sent = time.perf_counter()
            status, _ = await seat.connection.get(orders.ORDERS_PATH, seat.trader.token)
            heard.add("read" if status == 200 else f"read {status}", sent)
            await asyncio.sleep(0.1)


def resident(layout: Layout) -> dict[str, int]:
    """Bytes that each of our own processes holds; those of servers are bounded by their settings."""
    ours = [
        each for each in Supervisor(layout).processes() if each["pid"] and each["name"].endswith(("-api", "-worker"))
    ]
    return {each["name"]: psutil.Process(each["pid"]).memory_info().rss for each in ours}


async def _beside(crowd: Crowd, rate: float, seconds: float, readers: int) -> tuple[Heard, Heard]:
    """Order at a rate while others cancel and read; return what became of the orders, and of the others."""
    others = Heard(0)
    tasks = [asyncio.create_task(crowd.cancel_now_and_then(others)), asyncio.create_task(crowd.stay_logged_in())]
    tasks += [asyncio.create_task(crowd.read_all_the_time(seat, others)) for seat in (await crowd.seats(1))[:readers]]
    heard = await crowd.order_at(rate, seconds)
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended
    return heard, others


async def measure(crowd: orders.Crowd) -> list[Result]:
    """Run the calm, then the rush; print the curve of what was taken, and what every process holds before and after."""
    minutes = float(os.environ.get("EXODUS_OVERLOAD_MINUTES") or 1)
    many = Crowd(crowd.layout, crowd.traders)
    await many.order_at(CALM_RATE, 5)
    before = resident(crowd.layout)
    calm, _ = await _beside(many, CALM_RATE, minutes * 60, 0)
    middle = resident(crowd.layout)
    rush, others = await _beside(many, RUSH * CALM_RATE, minutes * 30, READS_EACH)
    after = resident(crowd.layout)
    for name, heard, seconds in (("calm", calm, minutes * 60), ("rush", rush, minutes * 30)):
        counts = {what: len(took) for what, took in sorted(heard.took.items())}
        print(f"  {name}: {heard.rate:.0f}/s offered, {counts}, {heard.unkept} found no connection")
        print(
            f"    taken per second, by {GOODPUT_EVERY_SECONDS:.0f} s: {[round(each) for each in heard.curve(seconds)]}"
        )
    print(f"  beside the rush: { {what: len(took) for what, took in sorted(others.took.items())} }")
    for name in sorted(before):
        print(f"    {name:<24}{before[name] >> 20:6} {middle[name] >> 20:6} {after[name] >> 20:6} MiB")
    curve = rush.curve(minutes * 30) or [0.0]
    best = max(*curve, *calm.curve(minutes * 60))
    refused = max((rush.p99(what) for what in rush.took if what.startswith("503 overloaded")), default=0.0)
    return [
        result("overload_accept_p99_at_50", calm.p99("taken"), "ms"),
        result("overload_goodput_kept", min(curve) / best if best else 0.0, "of the best 15 s"),
        result("overload_goodput", len(rush.took.get("taken", [])) / (minutes * 30), "orders/s"),
        result("overload_refuse_p99", refused, "ms"),
        result("overload_cancel_p99", others.p99("cancel"), "ms"),
        result("overload_memory_growth", max(after[name] / middle[name] for name in after), "times"),
    ]

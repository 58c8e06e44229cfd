"""`make bench`: start a platform of its own, measure it beside its baselines, write benchmarks/results/latest.json.

`python -m benchmarks NAME ...` measures some of it (orders, order_cost, matching, token_check, …) and writes
benchmarks/results/some.json.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import websockets

from benchmarks import (
    alerts,
    automations,
    backtests,
    bars,
    browser,
    connectors,
    costs,
    goals,
    logins,
    markets,
    matching,
    mixed,
    neighbours,
    orders,
    overload,
    pushes,
    quotes,
    sweeps,
    tokens,
)
from benchmarks.baselines import pgbench
from benchmarks.load import Client, Connection, Measured, as_fast_as_possible, at_a_steady_rate
from benchmarks.results import Result, publish, result
from tools import private_stack
from tools.native import credentials, running
from tools.native.layout import ROOT, Layout
from tools.native.ports import Ports
from tools.native.supervisor import Supervisor

PORTS = Ports(base=17000, gateway=17443, gateway_http=17080)
BARE_PORT = 17900
ACCEPT_SECONDS = 15
FLOOD_SECONDS = 6  # what it leaves behind has to be worked off before the next figure, at a tenth of the rate
ROUND_TRIP_SECONDS = 60
BASELINE_SECONDS = 15
CALM_RATE = 25
CALM_SECONDS = 20
START_SECONDS_MAX = 15


@contextmanager
def bare_program(layout: Layout) -> Iterator[None]:
    """Run the round trip's baseline on the same PostgreSQL and RabbitMQ."""
    passwords = credentials.open_passwords(layout)
    addresses = credentials.Addresses.native(layout)
    postgres = credentials.postgres_url(passwords, addresses.postgres).replace("postgresql+asyncpg", "postgresql")
    command = [sys.executable, "-m", "benchmarks.baselines.bare_round_trip", str(BARE_PORT), postgres]
    process = subprocess.Popen([*command, credentials.amqp_url(passwords, addresses.amqp)], cwd=ROOT)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


async def connect_when_up() -> Connection:
    """Wait for the baseline to listen."""
    async with asyncio.timeout(START_SECONDS_MAX):
        while True:
            try:
                return await Connection.open(BARE_PORT, None)
            except OSError:
                await asyncio.sleep(0.1)


async def bare_round_trip(seconds: float) -> Measured:
    """Drive the baseline as the platform is driven: the same rate, heard over a WebSocket."""
    ears = orders.Ears()
    connections = [await connect_when_up() for _ in range(orders.TRADERS * orders.CONNECTIONS_EACH)]

    async def listen() -> None:
        async with websockets.connect(f"ws://127.0.0.1:{BARE_PORT}/ws", max_queue=None, compression=None) as socket:
            async for text in socket:
                ears.heard.setdefault(json.loads(text)["client_order_id"], time.perf_counter())

    listening = asyncio.create_task(listen())
    await asyncio.sleep(0.5)
    numbers = iter(range(1_000_000))
    body = ears.timed(lambda: json.dumps({"client_order_id": f"bare-{next(numbers)}"}).encode())
    posted = await at_a_steady_rate(
        [Client(connection, "", "/orders", body) for connection in connections], orders.STEADY_RATE, seconds
    )
    await asyncio.sleep(1)
    listening.cancel()
    return Measured([ears.heard[key] - ears.sent[key] for key in ears.heard], posted.failures, posted.elapsed)


async def bare_accept(seconds: float) -> Measured:
    """Store rows through the baseline as fast as it takes them."""
    connections = [await connect_when_up() for _ in range(orders.TRADERS * orders.CONNECTIONS_EACH)]
    numbers = iter(range(1_000_000))
    return await as_fast_as_possible(
        [
            Client(
                connection, "", "/accepted", lambda: json.dumps({"client_order_id": f"least-{next(numbers)}"}).encode()
            )
            for connection in connections
        ],
        seconds,
    )


async def measure_orders(layout: Layout, crowd: orders.Crowd) -> list[Result]:
    """Measure acceptance and round trip, each beside its baseline."""
    base_tps = await asyncio.to_thread(pgbench.tpc_b, layout, ACCEPT_SECONDS)
    flood, steady = await orders.accept(crowd, ACCEPT_SECONDS, FLOOD_SECONDS)
    with bare_program(layout):
        bare = await bare_round_trip(BASELINE_SECONDS)
        least = await bare_accept(BASELINE_SECONDS)
    await orders.until_worked_off(layout)
    calm, calm_lost = await orders.round_trip(crowd, CALM_RATE, CALM_SECONDS)
    trip, lost = await orders.round_trip(crowd, orders.STEADY_RATE, ROUND_TRIP_SECONDS)
    for name, measured in (
        ("order_accept", flood),
        ("at 100/s", steady),
        ("baseline", bare),
        ("calm", calm),
        ("round trip", trip),
    ):
        if measured.failures:
            print(f"  {name}: not accepted: {measured.failures}")
    return [
        result("order_accept", flood.rate, "orders/s", base_tps),
        result("order_accept_beside_bare", flood.rate, "orders/s", least.rate),
        result("order_accept_p50_at_100", steady.percentile(0.50), "ms"),
        result("order_accept_p95_at_100", steady.percentile(0.95), "ms"),
        result("order_accept_p99_at_100", steady.percentile(0.99), "ms"),
        result("order_accept_failures", sum(flood.failures.values()) + sum(steady.failures.values()), "requests"),
        result("order_round_trip_p50", trip.percentile(0.50), "ms", bare.percentile(0.50)),
        result("order_round_trip_p95", trip.percentile(0.95), "ms", bare.percentile(0.95)),
        result("order_round_trip_p99", trip.percentile(0.99), "ms", bare.percentile(0.99)),
        result("order_round_trip_p50_at_25", calm.percentile(0.50), "ms", bare.percentile(0.50)),
        result("order_round_trip_p95_at_25", calm.percentile(0.95), "ms", bare.percentile(0.95)),
        result("order_round_trip_lost", lost + calm_lost, "fills"),
    ]


async def measure_platform(layout: Layout, chosen: Sequence[str]) -> list[Result]:
    """Measure what needs the whole platform, by one crowd of traders."""
    crowd = await orders.Crowd.gather(layout)
    results = await measure_orders(layout, crowd) if "orders" in chosen else []
    results += await costs.order_cost_breakdown(crowd) if {"orders", "order_cost"} & set(chosen) else []
    results += await pushes.measure(crowd) if "account_push" in chosen else []
    results += await costs.order_disk(crowd) if "order_disk" in chosen else []
    results += await automations.measure(crowd) if "automations" in chosen else []
    results += await logins.measure(crowd) if "login_flood" in chosen else []
    results += await overload.measure(crowd) if "overload" in chosen else []
    results += await costs.order_cost_growth(crowd) if "order_cost_growth" in chosen else []
    await crowd.leave()
    return results


def on_a_platform(chosen: Sequence[str]) -> list[Result]:
    """Start a platform from nothing, measure it, and stop it."""
    if "sweep_computers" in chosen:
        sweeps.ask_for_computers()
    began = time.monotonic()
    layout = private_stack.start(".stack-bench", PORTS)
    cold_start = result("cold_start_with_prices", time.monotonic() - began, "s")
    try:
        results = [cold_start, *asyncio.run(measure_platform(layout, chosen))]
        results += asyncio.run(mixed.measure(layout)) if "mixed_1000" in chosen else []
        results += asyncio.run(neighbours.measure(layout)) if "neighbours" in chosen else []
        results += quotes.fan_out(layout) if "quote_fanout" in chosen else []
        results += bars.store_and_show(layout) if "bars" in chosen else []
        results += connectors.overhead(layout) if "connector_overhead" in chosen else []
        results += browser.measure(layout) if "browser" in chosen else []
        results += sweeps.sweep_computers(layout) if "sweep_computers" in chosen else []
        return results
    finally:
        if Supervisor(layout).is_running():
            running.down(layout)


ON_A_PLATFORM = (
    *("orders", "order_cost", "order_cost_growth", "order_disk", "account_push", "automations", "login_flood"),
    *("overload", "mixed_1000", "neighbours"),
    *("quote_fanout", "bars", "connector_overhead", "browser", "sweep_computers"),
)
ALONE: dict[str, Callable[[], list[Result]]] = {
    "matching": matching.measure,
    "screen_market": markets.screen_market,
    "token_check": tokens.measure,
    "backtests": backtests.measure,
    "alerts": alerts.measure,
}


def main(asked: Sequence[str]) -> int:
    """Measure everything, or what is named; 1 when a bar does not hold, 2 when a name is unknown."""
    names = (*ON_A_PLATFORM, *ALONE)
    if unknown := set(asked) - set(names):
        print(f"{', '.join(sorted(unknown))}: there is {', '.join(names)}")
        return 2
    chosen = asked or names
    results = on_a_platform(chosen) if set(ON_A_PLATFORM) & set(chosen) else []
    for name, measure in ALONE.items():
        results += measure() if name in chosen else []
    print(f"written to {publish(results, 'some' if asked else 'latest').relative_to(ROOT)}")
    for goal in (missed := goals.missed(results)):
        print(goal)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What one order costs: processor time of each process of the platform, by a fixed number of orders worked off whole.

Wall-clock figures say as much about whatever else runs on a machine as about the platform. Processor time holds better,
though not wholly: compare two versions in the same minutes. This reads user and system time of every process before and
after, takes off what the platform uses while nothing is asked of it, and divides by the orders.
"""

import asyncio
import math
import time
from collections import Counter
from dataclasses import dataclass

import asyncpg
import psutil

from benchmarks import orders
from benchmarks.results import Result, result
from tools.native import credentials
from tools.native.layout import Layout
from tools.native.supervisor import Supervisor

ORDERS = 600
RATES = (25, 100)
IDLE_SECONDS = 6
BACKEND = "postgres: "
SHOWN_FROM_MILLISECONDS = 0.05

TIMES = 10
ACCOUNTS = 200
HISTORY = 2_000
# What an installation grows by, with books that hold: strangers' accounts, and orders of the crowd canceled long ago.
GROW_ACCOUNTS = """
INSERT INTO accounts (owner_id, id, name, kind, currency, trading_halted, created_at)
SELECT gen_random_uuid(), gen_random_uuid(), 'grown', 'paper', 'USD', false, now() FROM generate_series(1, $1)
"""
GROW_HISTORY = """
WITH mine AS (SELECT owner_id, id, row_number() OVER () - 1 AS number, count(*) OVER () AS of FROM accounts
               WHERE name <> 'grown'),
     old AS (INSERT INTO orders (owner_id, id, account_id, client_order_id, symbol, market, venue, currency, side,
                                 order_type, quantity, limit_price, time_in_force, status, filled_quantity,
                                 filled_value, fee, tax, held, replace_held, created_at, updated_at)
             SELECT owner_id, gen_random_uuid(), mine.id, 'grown-' || gen_random_uuid(), 'AAPL', 'US', 'US', 'USD',
                    'buy', 'limit', 1, 300, 'day', 'canceled', 0, 0, 0, 0, 0, 0, at, at
               FROM (SELECT n, now() - interval '2 days' - n * interval '1 minute' AS at
                       FROM generate_series(1, $1::int) AS n) AS series
               JOIN mine ON mine.number = n % mine.of
             RETURNING owner_id, id, account_id, created_at)
INSERT INTO ledger_entries (owner_id, transaction_key, currency, book, account_id, movement, amount, occurred_at)
SELECT owner_id, movement || ':' || id, 'USD', book, account_id, movement, amount, created_at
  FROM old, (VALUES ('hold', 'cash', -300), ('hold', 'held', 300), ('release', 'cash', 300), ('release', 'held', -300))
         AS entry (movement, book, amount)
"""

KEPT = """
SELECT (SELECT sum(pg_database_size(datname)) FROM pg_database WHERE datname LIKE 'exodus%') AS stored,
       pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS logged
"""

Spent = Counter[str]
"""Seconds of processor time by group of processes."""


@dataclass(frozen=True)
class Breakdown:
    """Milliseconds of processor time for each order, by group of processes."""

    rate: int
    by_group: dict[str, float]

    @property
    def total(self) -> float:
        """What the whole path costs, the load generator not counted."""
        return sum(self.by_group.values())


def spent(layout: Layout) -> Spent:
    """Processor time so far of every process of a platform; a database's sessions count for the service they serve."""
    found: Spent = Counter()
    for program in Supervisor(layout).processes():
        if not program["pid"]:
            continue
        process = psutil.Process(program["pid"])
        for each in [process, *process.children(recursive=True)]:
            try:
                times, title = each.cpu_times(), " ".join(each.cmdline())
            except psutil.NoSuchProcess:
                continue
            found[_group(program["name"], title)] += times.user + times.system
    return found


def _group(program: str, title: str) -> str:
    if program != "postgres":
        return program
    words = title.removeprefix(BACKEND).split()
    return f"postgres {words[1].removeprefix('exodus_')}" if BACKEND in title and "exodus_" in title else "postgres"


async def of_orders(crowd: orders.Crowd, rate: int) -> Breakdown:
    """Measure market orders at a steady rate, from the request to the fill on the account stream."""
    idle_began, before_idle = time.monotonic(), spent(crowd.layout)
    await asyncio.sleep(IDLE_SECONDS)
    began, before = time.monotonic(), spent(crowd.layout)
    idle_per_second = {name: (before[name] - before_idle[name]) / (began - idle_began) for name in before}
    heard, lost = await orders.round_trip(crowd, rate, ORDERS / rate)
    if lost:
        print(f"  {lost} of {ORDERS} orders were not filled: {heard.failures or 'their fills were not heard'}")
    assert heard.seconds, "no fill was heard, so there is nothing to divide by"
    after, seconds = spent(crowd.layout), time.monotonic() - began
    used = {name: after[name] - before[name] - idle_per_second.get(name, 0.0) * seconds for name in after}
    each = {name: 1e3 * value / len(heard.seconds) for name, value in used.items()}
    return Breakdown(rate, dict(sorted(each.items(), key=lambda item: -item[1])))


async def order_cost_breakdown(crowd: orders.Crowd) -> list[Result]:
    """Measure and print it when orders come seldom, and when they come often enough to share their transactions."""
    results = []
    for rate in RATES:
        await orders.until_worked_off(crowd.layout)
        found = await of_orders(crowd, rate)
        print(f"processor time of an order at {rate}/s: {found.total:.1f} ms")
        for name, milliseconds in found.by_group.items():
            if milliseconds >= SHOWN_FROM_MILLISECONDS:
                print(f"  {name:<24}{milliseconds:8.2f} ms")
        results.append(result(f"order_cost_at_{rate}", found.total, "ms"))
    return results


async def kept(layout: Layout) -> tuple[int, int]:
    """Bytes so far: what the databases of all services take on the disk, and what was written to PostgreSQL's log."""
    passwords = credentials.open_passwords(layout)
    url = credentials.postgres_url(passwords, credentials.Addresses.native(layout).postgres)
    server = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        stored, logged = (await server.fetch(KEPT))[0]
    finally:
        await server.close()
    return int(stored), int(logged)


async def order_disk(crowd: orders.Crowd) -> list[Result]:
    """What an order leaves on the disk, with its fill, facts, ledger entries, messages and notices, and in the log."""
    await orders.until_worked_off(crowd.layout)
    stored, logged = await kept(crowd.layout)
    heard, _ = await orders.round_trip(crowd, RATES[0], ORDERS / RATES[0])
    await orders.until_worked_off(crowd.layout)
    stored_after, logged_after = await kept(crowd.layout)
    each = len(heard.seconds) * 1e3
    return [
        result("order_disk", (stored_after - stored) / each, "kB"),
        result("order_log", (logged_after - logged) / each, "kB"),
    ]


async def grow(layout: Layout, accounts: int, history: int) -> None:
    """Let an installation have so many accounts and so many orders more, and its statistics know it."""
    passwords = credentials.open_passwords(layout)
    address = credentials.Addresses.native(layout).postgres
    url = credentials.postgres_url(passwords, address, name=credentials.database("trading"))
    trading = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        await trading.execute(GROW_ACCOUNTS, accounts)
        await trading.execute(GROW_HISTORY, history)
        await trading.execute("ANALYZE")
    finally:
        await trading.close()


async def order_cost_growth(crowd: orders.Crowd) -> list[Result]:
    """What an order costs with ten times the accounts, then ten times the history: 0 when it does not grow with it."""
    await grow(crowd.layout, ACCOUNTS, HISTORY)
    found = []
    for accounts, history in ((0, 0), ((TIMES - 1) * ACCOUNTS, 0), (0, (TIMES - 1) * HISTORY)):
        await grow(crowd.layout, accounts, history)
        await orders.until_worked_off(crowd.layout)
        found.append((await of_orders(crowd, RATES[-1])).total)
    one, more_accounts, more_history = found
    print(f"processor time of an order: {one:.1f} ms; more accounts {more_accounts:.1f}, orders {more_history:.1f}")
    return [
        result("order_cost_by_accounts", math.log(more_accounts / one, TIMES), "exponent"),
        result("order_cost_by_history", math.log(more_history / more_accounts, TIMES), "exponent"),
    ]

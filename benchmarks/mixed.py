"""A thousand people at once: each looks at their portfolio three times a minute, at prices twice, and orders once.

Six requests of a person a minute are a hundred a second of everybody's. Each falls due at a time of its own, whatever
became of the one before, on a TLS connection that its person keeps open; latency counts from when it was due. Every
order is a market order that is matched, booked and told, so what follows from it is part of the load.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from benchmarks.load import ANSWER_SECONDS_MAX, Connection, Measured
from benchmarks.orders import CASH, ORDERS_PATH
from benchmarks.results import Result, result
from tools import cli
from tools.native.layout import Layout
from tools.people import Trader
from tools.private_stack import SYMBOLS

PEOPLE: Final = 1_000
SIGN_UPS_AT_ONCE: Final = 4
EVERY_SECONDS: Final = 10
"""How often a person asks for something."""
SECONDS: Final = 60
PORTFOLIO: Final = "/api/v1/portfolio/summary"
ROUND: Final = (
    PORTFOLIO,
    f"/api/v1/market/quotes/{SYMBOLS[0]}",
    PORTFOLIO,
    ORDERS_PATH,
    PORTFOLIO,
    f"/api/v1/market/charts/{SYMBOLS[1]}?interval=1d&from=2012-03-01&to=2013-03-01",
)
"""What a person does in a minute; only orders are sent, the rest is read."""
P95_MS_MAX: Final = 200
ERRORS_MAX: Final = 0.001


async def _ask(connection: Connection, trader: Trader, path: str) -> str | None:
    """Ask for one thing; what was wrong with the answer, or None."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            if path == ORDERS_PATH:
                body = json.dumps(trader.order("buy", SYMBOLS[0], 1)).encode()
                status, answer = await connection.post(path, body, trader.token)
            else:
                status, answer = await connection.get(path, trader.token)
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as lost:
        return type(lost).__name__
    return None if status < HTTPStatus.BAD_REQUEST else f"{status} {json.loads(answer).get('code')}"


async def _live(
    connection: Connection, trader: Trader, number: int, began: float, measured: dict[str, Measured]
) -> None:
    """One person's minute: the first thing at a time of their own, another every ten seconds."""
    for turn in range(SECONDS // EVERY_SECONDS):
        path = ROUND[(number + turn) % len(ROUND)]
        due = began + EVERY_SECONDS * (turn + number / PEOPLE)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        wrong = await _ask(connection, trader, path)
        if wrong is None:
            measured[path].seconds.append(time.perf_counter() - due)
        else:
            measured[path].failed(wrong)


async def _at_once(layout: Layout, people: Sequence[Trader]) -> dict[str, Measured]:
    trust = cli.gateway_of(layout).trust
    connections = [await Connection.open(layout.ports.gateway, trust) for _ in people]
    measured = {path: Measured() for path in ROUND}
    began = time.perf_counter() + 1
    await asyncio.gather(
        *(
            _live(connection, trader, number, began, measured)
            for connection, trader, number in zip(connections, people, itertools.count())
        )
    )
    for connection in connections:
        connection.close()
    return measured


async def _signs_up(layout: Layout, room: asyncio.Semaphore) -> Trader:
    async with room:
        trader = await Trader.sign_up(cli.gateway_of(layout), "Bench")
        await trader.opens_account("USD", CASH)
        await trader.leave()
        return trader


async def measure(layout: Layout) -> list[Result]:
    """Sign a thousand people up, a few at a time as hashing passwords is dear, and let them live for a minute."""
    room = asyncio.Semaphore(SIGN_UPS_AT_ONCE)
    people = await asyncio.gather(*(_signs_up(layout, room) for _ in range(PEOPLE)))
    measured = await _at_once(layout, people)
    everything = Measured()
    for path, part in measured.items():
        print(f"  mixed_1000: {path}: p95 {part.percentile(0.95):.0f} ms, not answered well: {part.failures or 'none'}")
        everything.add(part)
    failed = sum(everything.failures.values())
    return [
        result("mixed_1000_p50", everything.percentile(0.50), "ms"),
        result("mixed_1000_p95", everything.percentile(0.95), "ms"),
        result("mixed_1000_p99", everything.percentile(0.99), "ms"),
        result("mixed_1000_errors", failed / (failed + len(everything.seconds)), "of all requests"),
    ]

"""Log-ins: what a flood of them does to orders.

Orders are accepted at a steady rate through the gateway, in turns with and without 100 log-ins a second: each with
another address and another e-mail address, as a crowd of stolen machines would. The gateway would let ten a second
of our single address pass, so the flood goes past it, straight to auth. A refusal (401, 429, 503) is an answer.

The orders come at a rate that two cores carry whole, with everything that follows from them: at 100 a second they fill
this machine by themselves, and the figure would be about that. What a log-in costs is measured in processor time as
well, which holds however busy the machine is.

Meanwhile one honest person logs in again and again, through the gateway, and asks again a second after every refusal:
`login_flood_honest` is how long that takes until it is done.
"""

import asyncio
import itertools
import json
import secrets
import time
from collections import Counter
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Final

import psutil

from benchmarks.load import ANSWER_SECONDS_MAX, Client, Connection, Measured, at_a_steady_rate
from benchmarks.orders import RESTING_PRICE, Crowd
from benchmarks.results import Result, result
from tools.people import Trader

LOGIN_PATH: Final = "/api/v1/auth/login"
LOGINS_RATE: Final = 100
ORDERS_RATE: Final = 25
TURNS: Final = 6
TURN_SECONDS: Final = 10
WARM_UP_SECONDS: Final = 3
PAUSE_SECONDS: Final = 3
"""In which what waits for a turn to hash is done with."""
P99_RATIO_MAX: Final = 1.2
HONEST_PAUSE_SECONDS: Final = 1.0
NANOSECONDS: Final = 1e9


class FromElsewhere(Connection):
    """A connection whose every request says that it comes from another machine."""

    _numbers = itertools.count()

    def more_headers(self) -> str:
        """Name the next machine."""
        number = next(self._numbers)
        return f"X-Forwarded-For: 198.18.{number >> 8 & 255}.{number & 255}\r\nConnection: close\r\n"


async def _guess(port: int, answers: Counter[str]) -> None:
    """Guess a password of somebody who may not exist, over a connection of its own; count how it was answered."""
    body = json.dumps({"email": f"{secrets.token_hex(6)}@example.com", "password": secrets.token_urlsafe(12)})
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            connection = await FromElsewhere.open(port, None)
            status, _ = await connection.post(LOGIN_PATH, body.encode())
            connection.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as lost:
        answers[type(lost).__name__] += 1
    else:
        answers[str(status)] += 1


async def _flood(port: int, answers: Counter[str]) -> None:
    """Begin 100 log-ins a second, whatever becomes of them, until cancelled."""
    async with asyncio.TaskGroup() as group:
        began = time.perf_counter()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, began + number / LOGINS_RATE - time.perf_counter()))
            group.create_task(_guess(port, answers))


async def _accepted(clients: list[Client], seconds: float) -> Measured:
    return await at_a_steady_rate(clients, ORDERS_RATE, seconds)


async def _log_in_again_and_again(trader: Trader, honest: Measured, tries: Counter[str]) -> None:
    """Log in until cancelled, each time until it is done; note how long it took."""
    body = json.dumps({"email": trader.email, "password": trader.password}).encode()
    port, trust = int(trader.gateway.url.rpartition(":")[2]), trader.gateway.trust
    while True:
        began, status = time.perf_counter(), 0
        while status != HTTPStatus.OK:
            await asyncio.sleep(HONEST_PAUSE_SECONDS if status else 0)
            connection = await Connection.open(port, trust)
            status, _ = await connection.post(LOGIN_PATH, body)
            connection.close()
            tries[str(status)] += 1
        honest.seconds.append(time.perf_counter() - began)
        await asyncio.sleep(HONEST_PAUSE_SECONDS)


def _processor_seconds(port: int) -> tuple[float, float]:
    """What the API behind a port has used so far, and what its hashing processes have."""
    (api,) = (
        process
        for process in psutil.process_iter(["cmdline"])
        if {"uvicorn", str(port)} <= set(process.info["cmdline"] or ()) and process.info["cmdline"][0] != "setpriv"
    )
    hashing = [child for child in api.children() if any("hashing_process" in word for word in child.cmdline())]
    return _used_seconds(api), sum(map(_used_seconds, hashing))


def _used_seconds(process: psutil.Process) -> float:
    """What all its threads have used, to the nanosecond."""
    tasks = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / NANOSECONDS


async def measure(crowd: Crowd) -> list[Result]:
    """Measure the slowest hundredth of acceptances under the flood, beside those without it."""
    orders = await crowd.clients({"limit_price": RESTING_PRICE})
    port, answers = crowd.layout.ports.api("auth"), Counter[str]()
    await _accepted(orders, WARM_UP_SECONDS)
    calm, stormy, honest, tries = Measured(), Measured(), Measured(), Counter[str]()
    answering = hashing = 0.0
    for _ in range(TURNS):
        calm.add(await _accepted(orders, TURN_SECONDS))
        before = _processor_seconds(port)
        flood = asyncio.gather(
            _flood(port, answers), _log_in_again_and_again(crowd.traders[0], honest, tries), return_exceptions=True
        )
        stormy.add(await _accepted(orders, TURN_SECONDS))
        after = _processor_seconds(port)
        answering, hashing = answering + after[0] - before[0], hashing + after[1] - before[1]
        flood.cancel()
        with suppress(asyncio.CancelledError):
            await flood
        await asyncio.sleep(PAUSE_SECONDS)
    for client in orders:
        client.connection.close()
    print(f"  login_flood: answers to the log-ins {dict(answers)}, orders not accepted {stormy.failures}")
    print(f"  login_flood: answers to the honest one {dict(tries)}")
    return [
        result("login_flood_order_p99", stormy.percentile(0.99), "ms", calm.percentile(0.99)),
        result("login_flood_order_p50", stormy.percentile(0.50), "ms", calm.percentile(0.50)),
        result("login_flood_answering", answering / sum(answers.values()) * 1e3, "ms of a core for each log-in"),
        result("login_flood_hashing", hashing / sum(answers.values()) * 1e3, "ms of a core for each log-in"),
        result("login_flood_honest_p50", honest.percentile(0.50), "ms"),
        result("login_flood_honest_p95", honest.percentile(0.95), "ms"),
        result("login_flood_orders_lost", sum(stormy.failures.values()), "requests"),
    ]

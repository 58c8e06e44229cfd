"""Log-ins: what a flood of them does to orders.

Orders are accepted at a steady rate through the gateway, in turns with and without 100 log-ins a second: each with
another address and another e-mail address, as a crowd of stolen machines would. The gateway would let ten a second
of our single address pass, so the flood goes past it, straight to auth. A refusal (401, 429, 503) is an answer.
"""

import asyncio
import itertools
import json
import secrets
import time
from collections import Counter
from typing import Final

from benchmarks.load import ANSWER_SECONDS_MAX, Client, Connection, Measured, at_a_steady_rate
from benchmarks.orders import RESTING_PRICE, STEADY_RATE, Crowd
from benchmarks.results import Result, result

LOGIN_PATH: Final = "/api/v1/auth/login"
LOGINS_RATE: Final = 100
TURNS: Final = 4
TURN_SECONDS: Final = 8
WARM_UP_SECONDS: Final = 3
PAUSE_SECONDS: Final = 3
"""In which what waits for a turn to hash is done with."""
P99_RATIO_MAX: Final = 1.2


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
    return await at_a_steady_rate(clients, STEADY_RATE, seconds)


async def measure(crowd: Crowd) -> list[Result]:
    """Measure the slowest hundredth of acceptances under the flood, beside those without it."""
    orders = await crowd.clients({"limit_price": RESTING_PRICE})
    port, answers = crowd.layout.ports.api("auth"), Counter[str]()
    await _accepted(orders, WARM_UP_SECONDS)
    calm, stormy = Measured(), Measured()
    for _ in range(TURNS):
        calm.add(await _accepted(orders, TURN_SECONDS))
        flood = asyncio.create_task(_flood(port, answers))
        stormy.add(await _accepted(orders, TURN_SECONDS))
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)
        await asyncio.sleep(PAUSE_SECONDS)
    for client in orders:
        client.connection.close()
    print(f"  login_flood: answers to the log-ins {dict(answers)}, orders not accepted {stormy.failures}")
    return [
        result("login_flood_order_p99", stormy.percentile(0.99), "ms", calm.percentile(0.99)),
        result("login_flood_order_p50", stormy.percentile(0.50), "ms", calm.percentile(0.50)),
        result("login_flood_orders_lost", sum(stormy.failures.values()), "requests"),
    ]

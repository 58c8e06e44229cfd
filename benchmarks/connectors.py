"""Connectors: our own time with an order, from its event to the first byte at the broker, and from the answer on.

Fifty orders a second go through KIS's connector to a broker that answers at once. All of it is real: PostgreSQL, turns
in Redis, HTTP to another process. Processor time of the worker is given beside the wall clock, since a busy machine
blurs the one and hardly the other.
"""

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final
from uuid import UUID

import httpx
import uvloop
from broker.adapters.kis.client import Client, Credentials
from broker.adapters.kis.connector import Kis
from broker.adapters.line import Token
from broker.adapters.port import Remote
from broker.config import Settings
from broker.desk import Desk
from broker.domain.order import AccountId, ClientKey, Environment, OrderId, OrderIntent, OwnerId
from broker.shared_turns import SharedTurns
from broker.usecases.submit_order import submit_order
from kit import cache
from kit.clock import now
from kit.db import Database
from kit.ids import new_id

from benchmarks.results import Result, result
from tools.native import credentials
from tools.native.layout import ROOT, Layout

RATE: Final = 50
ORDERS: Final = 1_000
WARM_UP: Final = 50
CALLS_PER_SECOND: Final = 1_000
PORT_OFFSET: Final = 390
P95_MILLISECONDS_MAX: Final = 10.0
START_SECONDS_MAX: Final = 10


@dataclass
class Taken:
    """Milliseconds there and back again, of each order."""

    there: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class OneLine:
    """Every order goes through this connector."""

    connector: Kis

    def of(self, owner: OwnerId, connection: UUID, broker: str, environment: Environment) -> Remote:  # noqa: ARG002 - there is only one
        return self.connector

    async def hang_up(self, owner: OwnerId, connection: UUID) -> None:
        """There is nothing to close."""


@contextlib.contextmanager
def _instant_broker(port: int) -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.baselines.instant_broker", str(port)], cwd=ROOT)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def _order(number: int) -> OrderIntent:
    """Orders that the broker could tell apart, so that none waits for another."""
    return OrderIntent(
        order_id=OrderId(new_id()),
        owner=OwnerId(new_id()),
        account_id=AccountId(new_id()),
        account_kind="paper",
        symbol="005930",
        market="KRX",
        board="KOSPI",
        kind="stock",
        side="buy",
        order_type="limit",
        time_in_force="day",
        quantity=Decimal(1 + number),
        limit_price=Decimal(70_000),
        broker="kis",
        connection_id=new_id(),
    )


async def _send(desk: Desk, came: dict[str, float], taken: Taken | None, number: int) -> None:
    began = time.perf_counter()
    await submit_order(desk, _order(number), new_id())
    ended = time.perf_counter()
    arrived = came.pop(asyncio.current_task().get_name())  # type: ignore[union-attr]  # it runs in one
    if taken is not None:
        taken.there.append((arrived - began) * 1_000)
        taken.back.append((ended - arrived) * 1_000)


def _settings(layout: Layout) -> Settings:
    passwords, addresses = credentials.open_passwords(layout), credentials.Addresses.native(layout)
    files = credentials.files_of("broker", passwords, addresses)
    told = {name: files[f"broker_{name}"] for name in ("database_url", "system_database_url", "amqp_url", "redis_url")}
    ports = {"http_port": 1, "worker_port": 2}  # nothing of it listens
    rest = {"environment": "test", "jwks_url": "http://127.0.0.1:9/", "vault_key": files["broker_vault_key"]}
    return Settings.model_validate(told | ports | rest)


async def _measure(settings: Settings, port: int) -> tuple[Taken, float]:
    database = Database(
        settings.database_url.get_secret_value(), settings.system_database_url.get_secret_value(), application="bench"
    )
    redis, came = cache.connect(settings.redis_url.get_secret_value()), dict[str, float]()

    async def note(answer: httpx.Response) -> None:
        came[asyncio.current_task().get_name()] = float(answer.headers["x-came"])  # type: ignore[union-attr]

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", event_hooks={"response": [note]}) as http:
        token = Token(CALLS_PER_SECOND, title="KIS", turns=SharedTurns(redis), key_print=b"bench")
        client = Client(http, "paper", Credentials("K" * 36, "S" * 180, "50123456"), now, token)

        async def nobody(_: Sequence[str]) -> Mapping[str, ClientKey]:
            return {}

        desk = Desk(database, redis, {}, now, settings, OneLine(Kis(client, nobody)))
        await _until_up(http)
        taken = Taken()
        for number in range(WARM_UP):
            await asyncio.create_task(_send(desk, came, None, number))
        processor, began = time.process_time(), time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(ORDERS):
                await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
                group.create_task(_send(desk, came, taken, number))
        used = time.process_time() - processor
    await redis.aclose()
    await database.close()
    return taken, used * 1_000 / ORDERS


async def _until_up(http: httpx.AsyncClient) -> None:
    async with asyncio.timeout(START_SECONDS_MAX):
        while True:
            with contextlib.suppress(httpx.ConnectError):
                await http.post("/oauth2/tokenP")
                return
            await asyncio.sleep(0.05)


def _percentile(found: list[float], share: float) -> float:
    return sorted(found)[min(len(found) - 1, int(len(found) * share))]


def overhead(layout: Layout) -> list[Result]:
    """Both ways' percentiles of wall clock, and what an order costs the worker's processor."""
    return measure(_settings(layout), layout.ports.base + PORT_OFFSET)


def measure(settings: Settings, port: int) -> list[Result]:
    """The same, with the broker service's servers given, and a free port."""
    with _instant_broker(port):
        taken, processor = uvloop.run(_measure(settings, port))  # as the worker runs
    both = [there + back for there, back in zip(taken.there, taken.back, strict=True)]
    return [
        result("connector_overhead_p50", _percentile(both, 0.50), "ms"),
        result("connector_overhead_p95", _percentile(both, 0.95), "ms"),
        result("connector_to_broker_p95", _percentile(taken.there, 0.95), "ms"),
        result("connector_to_event_p95", _percentile(taken.back, 0.95), "ms"),
        result("connector_processor", processor, "ms/order"),
    ]

"""Orders: how many are accepted, and how soon a fill is heard of, through the whole platform.

`order_accept`: TLS gateway, token check at the edge and in the service, risk, holds, ledger, event, durable commit;
against pgbench's TPC-B-like script (8 clients, prepared) on the same PostgreSQL. `order_round_trip`: from POST to the
fill on /ws/account, against a program that does the bare minimum of the same path.
"""

import asyncio
import itertools
import json
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import asyncpg
import websockets

from benchmarks.load import Client, Connection, Measured, as_fast_as_possible, at_a_steady_rate
from tools import cli
from tools.native import credentials
from tools.native.layout import Layout
from tools.people import Trader
from tools.private_stack import SYMBOLS

ORDERS_PATH = "/api/v1/trading/orders"
CASH = Decimal(1_000_000_000)
RESTING_PRICE = "300"
TRADERS = 16
CONNECTIONS_EACH = 2
STEADY_RATE = 100
WARM_UP_SECONDS = 3
"""In which a service that just started opens its connections and plans its statements; not part of what is measured."""
HEARD_WITHIN_SECONDS = 240
UNANSWERED = "SELECT count(*) FROM orders WHERE status = 'submitted'"
LOOK_SECONDS = 5
SETTLE_SECONDS = 5
"""In which the last answers reach trading and the account streams."""


@dataclass
class Crowd:
    """Traders with money and open connections."""

    layout: Layout
    traders: list[Trader] = field(default_factory=list)

    @classmethod
    async def gather(cls, layout: Layout, size: int = TRADERS) -> "Crowd":
        """Sign up a crowd, one after the other: hashing passwords is meant to be slow."""
        crowd = cls(layout)
        for _ in range(size):
            trader = await Trader.sign_up(cli.gateway_of(layout), "Bench")
            await trader.opens_account("KRW", CASH)
            await trader.deposits("USD", CASH)
            crowd.traders.append(trader)
        return crowd

    async def clients(self, terms: dict[str, Any]) -> list[Client]:
        """Open connections; every request is a fresh one-share buy on these terms."""
        trust = cli.gateway_of(self.layout).trust
        port = self.layout.ports.gateway
        return [
            Client(await Connection.open(port, trust), trader.token, ORDERS_PATH, orders_of(trader, terms))
            for trader, _ in itertools.product(self.traders, range(CONNECTIONS_EACH))
        ]

    async def leave(self) -> None:
        """Close every connection."""
        for trader in self.traders:
            await trader.leave()


def orders_of(trader: Trader, terms: dict[str, Any]) -> Callable[[], bytes]:
    """Return a maker of order bodies, each with its own client id."""
    prefix, numbers = secrets.token_hex(4), itertools.count()

    def body() -> bytes:
        order = trader.order("buy", SYMBOLS[0], 1, client_order_id=f"{prefix}-{next(numbers)}", **terms)
        return json.dumps(order).encode()

    return body


async def accept(crowd: Crowd, steady_seconds: float, flood_seconds: float) -> tuple[Measured, Measured]:
    """Resting limit orders: 100 a second, then as many as the platform takes.

    Steady ones first: what a flood leaves behind keeps the machine busy for minutes, and would be what is measured.
    """
    clients = await crowd.clients({"limit_price": RESTING_PRICE})
    await at_a_steady_rate(clients, STEADY_RATE, WARM_UP_SECONDS)
    steady = await at_a_steady_rate(clients, STEADY_RATE, steady_seconds)
    await until_worked_off(crowd.layout)
    flood = await as_fast_as_possible(clients, flood_seconds)
    for client in clients:
        client.connection.close()
    return flood, steady


async def until_worked_off(layout: Layout) -> None:
    """Wait until the broker has answered every order, so that what is measured next is not about those before."""
    passwords = credentials.open_passwords(layout)
    address = credentials.Addresses.native(layout).postgres
    url = credentials.postgres_url(passwords, address, name=credentials.database("trading"))
    trading = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        async with asyncio.timeout(HEARD_WITHIN_SECONDS):
            while waiting := await trading.fetchval(UNANSWERED):
                print(f"  {waiting} orders wait for the broker's answer", flush=True)
                await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(SETTLE_SECONDS)
    finally:
        await trading.close()


@dataclass
class Ears:
    """When each order's fill was heard on its owner's account stream."""

    heard: dict[str, float] = field(default_factory=dict)
    sent: dict[str, float] = field(default_factory=dict)

    async def listen(self, layout: Layout, token: str) -> None:
        gateway = cli.gateway_of(layout)
        url = f"wss://localhost:{layout.ports.gateway}/ws/account"
        async with websockets.connect(url, ssl=gateway.trust, max_queue=None, compression=None) as socket:
            await socket.send(json.dumps({"action": "auth", "token": token}))
            async for text in socket:
                moment = time.perf_counter()
                message = json.loads(text)
                if message["type"] == "order" and message["data"]["status"] == "filled":
                    self.heard.setdefault(message["data"]["client_order_id"], moment)

    async def all_heard(self) -> None:
        """Wait until every order that was sent has been heard of."""
        while len(self.heard) < len(self.sent):  # noqa: ASYNC110 - a poll costs the measured machine less than an event
            await asyncio.sleep(0.1)

    def timed(self, make: Callable[[], bytes]) -> Callable[[], bytes]:
        """Remember when each body was sent."""

        def body() -> bytes:
            text = make()
            self.sent[json.loads(text)["client_order_id"]] = time.perf_counter()
            return text

        return body


async def round_trip(crowd: Crowd, rate: float, seconds: float) -> tuple[Measured, int]:
    """Market orders at a steady rate; return what was heard, however late, and how many fills never were."""
    ears = Ears()
    listening = [asyncio.create_task(ears.listen(crowd.layout, trader.token)) for trader in crowd.traders]
    await asyncio.sleep(1)
    clients = [
        Client(client.connection, client.token, client.path, ears.timed(client.next_body))
        for client in await crowd.clients({})
    ]
    posted = await at_a_steady_rate(clients, rate, seconds)
    with suppress(TimeoutError):
        await asyncio.wait_for(ears.all_heard(), HEARD_WITHIN_SECONDS)
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)
    heard = Measured([ears.heard[key] - ears.sent[key] for key in ears.heard], posted.failures, posted.elapsed)
    return heard, len(ears.sent) - len(ears.heard)

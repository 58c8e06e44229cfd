"""The KIS emulator as a real server on loopback, and a connector to it whose clock the test moves."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import uvicorn
from broker.adapters.kis.client import Client, Credentials, Token
from broker.adapters.kis.connector import Kis
from broker.domain.order import ClientKey
from emulators.faults import Faults
from emulators.house import House, Slip
from emulators.kis.gate import Gate
from emulators.kis.server import create_app
from quant.matching import Outside

SYMBOL = "005930"
KEYS = Credentials("K" * 36, "S" * 180, "50123456")
ACCOUNT = "5012345601"
MORNING = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
SHOWN = Outside(Decimal(70_000), Decimal(500), Decimal(70_100), Decimal(420))


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    at: datetime = MORNING

    def __call__(self) -> datetime:
        return self.at

    def passes(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Emulator:
    """The server, its insides, and a line to it."""

    app: Any
    http: httpx.AsyncClient
    clock: Clock
    known: dict[str, ClientKey] = field(default_factory=dict)
    token: Token = field(default_factory=Token)

    @property
    def house(self) -> House:
        return self.app.state.house

    @property
    def faults(self) -> Faults:
        return self.app.state.faults

    @property
    def gate(self) -> Gate:
        return self.app.state.gate

    @property
    def slips(self) -> list[Slip]:
        """The orders that were placed, without changes and cancels."""
        return [slip for slip in self.house.slips.values() if not slip.original]

    def client(self) -> Client:
        return Client(self.http, "paper", KEYS, self.clock, self.token)

    def connector(self) -> Kis:
        async def keys_of(numbers: Sequence[str]) -> Mapping[str, ClientKey]:
            return {number: self.known[number] for number in numbers if number in self.known}

        return Kis(self.client(), keys_of, poll_seconds=0.05)

    def breaks(self, call: str, fault: Any, times: int = 1) -> None:
        self.faults.add(call, fault, times)

    def quotes(self, **changes: int) -> None:
        values = {"bid": 70_000, "bid_size": 500, "ask": 70_100, "ask_size": 420} | changes
        self.house.quote(SYMBOL, Outside(**{name: Decimal(value) for name, value in values.items()}))

    def sent(self, call: str = "order-cash") -> int:
        return sum(1 for name, _ in self.app.state.calls if name == call)


@asynccontextmanager
async def emulator() -> AsyncIterator[Emulator]:
    """Start the paper environment with Samsung Electronics listed and quoted."""
    clock = Clock()
    app = create_app("paper", clock)
    app.state.gate.calls_per_second = 1_000_000
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has a flag and no event
        await asyncio.sleep(0.01)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=address, timeout=0.5, trust_env=False) as http:
            running = Emulator(app, http, clock)
            running.house.list_symbol(SYMBOL, Decimal(70_000))
            running.quotes()
            yield running
    finally:
        server.should_exit = server.force_exit = True
        await serving
        listener.close()

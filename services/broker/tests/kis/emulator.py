"""The KIS emulator as a real server on loopback, and a connector to it whose clock the test moves."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
from broker.adapters.kis.client import Client, Credentials
from broker.adapters.kis.connector import Kis
from broker.adapters.line import Token
from broker.domain.order import ClientKey
from emulators.faults import Faults
from emulators.house import House, Slip
from emulators.kis.gate import Gate
from emulators.kis.server import create_app
from quant.matching import Outside

from services.broker.tests.clock import Clock
from services.broker.tests.emulated import served

SYMBOL = "005930"
KEYS = Credentials("K" * 36, "S" * 180, "50123456")
ACCOUNT = "5012345601"
SHOWN = Outside(Decimal(70_000), Decimal(500), Decimal(70_100), Decimal(420))


@dataclass
class Emulator:
    """The server, its insides, and a line to it."""

    app: Any
    http: httpx.AsyncClient
    clock: Clock
    known: dict[str, ClientKey] = field(default_factory=dict)
    token: Token = field(default_factory=lambda: Token(title="KIS"))

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
    patience = httpx.Timeout(0.5, connect=30.0)  # only an answer that hangs is to be given up soon
    async with served(app) as address, httpx.AsyncClient(base_url=address, timeout=patience, trust_env=False) as http:
        running = Emulator(app, http, clock)
        running.house.list_symbol(SYMBOL, Decimal(70_000))
        running.quotes()
        yield running

"""Every broker's emulator as a real server on loopback, and connectors to it whose clock the test moves."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import httpx
import uvicorn
from broker.adapters.alpaca.capabilities import PAPER as ALPACA
from broker.adapters.alpaca.client import Client as AlpacaClient
from broker.adapters.alpaca.client import Credentials as AlpacaCredentials
from broker.adapters.alpaca.connector import Alpaca
from broker.adapters.alpaca.market_data import AlpacaMarketData
from broker.adapters.alpaca.market_stream import AlpacaMarketStream
from broker.adapters.kis.capabilities import PAPER as KIS
from broker.adapters.kis.capabilities import PAPER_US as KIS_US
from broker.adapters.kis.capabilities import REAL as KIS_REAL
from broker.adapters.kis.capabilities import REAL_US as KIS_US_REAL
from broker.adapters.kis.client import Client as KisClient
from broker.adapters.kis.client import Credentials
from broker.adapters.kis.connector import Kis
from broker.adapters.kis.listings import Listings
from broker.adapters.kis.market_data import KisMarketData
from broker.adapters.kis.market_stream import KisMarketStream
from broker.adapters.kis.overseas import KisUs
from broker.adapters.kis.overseas_market_data import KisUsMarketData
from broker.adapters.kis.overseas_market_stream import KisUsMarketStream
from broker.adapters.kiwoom.capabilities import PAPER as KIWOOM
from broker.adapters.kiwoom.capabilities import REAL as KIWOOM_REAL
from broker.adapters.kiwoom.client import Client as KiwoomClient
from broker.adapters.kiwoom.client import Credentials as KiwoomCredentials
from broker.adapters.kiwoom.connector import Kiwoom
from broker.adapters.kiwoom.market_data import KiwoomMarketData
from broker.adapters.kiwoom.market_stream import KiwoomMarketStream
from broker.adapters.line import Token
from broker.adapters.ls.capabilities import PAPER as LS
from broker.adapters.ls.client import Client as LsClient
from broker.adapters.ls.client import Credentials as LsCredentials
from broker.adapters.ls.connector import Ls
from broker.adapters.ls.market_data import LsMarketData
from broker.adapters.ls.market_stream import LsMarketStream
from broker.adapters.market_data import Hear, MarketData, MarketStream
from broker.adapters.port import Remote
from broker.domain.capabilities import Capabilities
from broker.domain.order import ClientKey, Environment
from emulators.alpaca.server import create_app as alpaca_app
from emulators.faults import Faults
from emulators.house import House, Slip
from emulators.kis.server import create_app as kis_app
from emulators.kiwoom.server import create_app as kiwoom_app
from emulators.ls.server import create_app as ls_app
from fastapi import FastAPI
from quant.matching import Outside

from services.broker.tests.clock import Clock

KeysOf = Callable[[Sequence[str]], Awaitable[Mapping[str, ClientKey]]]
PATIENCE = httpx.Timeout(2.0, connect=60.0)
"""Only an answer that hangs is given up soon; a connection is there at once, unless the machine is busy."""
SHOWN = {"bid": "70000", "bid_size": "500", "ask": "70100", "ask_size": "420"}


@dataclass(frozen=True)
class Kind:
    """What differs between brokers for a test.

    Attributes:
        connect: a connector on a line to the emulator.
        order_call, list_call: what the emulator's faults call these.
        scale: won in the market's money.
        reasons: refusals that the broker's own codes make certain; others leave a doubt.
    """

    able: Capabilities
    app: Callable[[Clock], FastAPI]
    connect: Callable[["Emulated", httpx.AsyncClient, KeysOf], Remote]
    order_call: str
    list_call: str
    symbol: str
    reasons: frozenset[str]
    scale: Decimal = Decimal(1)
    hours_later: int = 0
    """When this market's morning is, after that of Korea."""
    listen: Callable[["Emulated", float], Remote] | None = None
    """A connector that follows the stream, and polls every so many seconds."""
    limit: str = "00"
    """The broker's own word for a limit order of the day."""
    report_call: str = ""
    """What the faults call the list that news is read from, where it is another."""
    market_data: Callable[["Emulated"], MarketData] | None = None
    """Its market data, for those that show any."""
    market_stream: Callable[["Emulated", Hear], MarketStream] | None = None
    tells_day_volume: bool = True
    """Whether its stream says with each trade how much traded today."""
    base_is_last_close: bool = False
    """Whether what it counts a day's change from moves on with each session that it has seen."""
    house: str = "house"
    """Which of an emulator's houses is this market's."""


@dataclass
class Emulated:
    """A running emulator, its insides, and lines to it."""

    kind: Kind
    app: FastAPI
    http: httpx.AsyncClient
    clock: Clock
    known: dict[str, ClientKey] = field(default_factory=dict)
    kept: Any = None
    """What outlives a connector in the process: the token."""

    @property
    def address(self) -> str:
        return str(self.http.base_url).rstrip("/")

    def token(self, title: str) -> Token:
        """A key's token, whose breaker goes by the test's clock."""
        return Token(title=title, milliseconds=lambda: int(self.clock().timestamp() * 1_000))

    def socket(self, path: str) -> str:
        """The address of a stream."""
        return self.address.replace("http://", "ws://") + path

    @property
    def house(self) -> House:
        house: House = getattr(self.app.state, self.kind.house)
        return house

    @property
    def faults(self) -> Faults:
        faults: Faults = self.app.state.faults
        return faults

    @property
    def slips(self) -> list[Slip]:
        """The orders that were placed, without changes and cancels."""
        return [slip for slip in self.house.slips.values() if not slip.original]

    def money(self, won: str) -> Decimal:
        """A price of the tests' market in this one's money."""
        return (Decimal(won) * self.kind.scale).normalize()

    def quotes(self, **changes: str) -> None:
        shown = SHOWN | changes
        prices = {name: self.money(text) for name, text in shown.items() if not name.endswith("_size")}
        sizes = {name: Decimal(text) for name, text in shown.items() if name.endswith("_size")}
        outside = Outside(**prices, **sizes)
        self.house.quote(self.kind.symbol, outside)
        if self.house.where.has_nxt:
            self.house.quote_nxt(self.kind.symbol, outside)

    def connector(self, http: httpx.AsyncClient | None = None, keys_of: KeysOf | None = None) -> Remote:
        return self.kind.connect(self, http or self.http, keys_of or self.keys_of)

    async def keys_of(self, numbers: Sequence[str]) -> Mapping[str, ClientKey]:
        return {number: self.known[number] for number in numbers if number in self.known}


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """An application on a port of its own."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", timeout_keep_alive=60))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn has a flag and no event
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await serving
        listener.close()


class Memory(httpx.ASGITransport):
    """A line inside this process: the same requests and answers, and no kernel. An answer that is cut off breaks it."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except ConnectionResetError as cut:
            raise httpx.ReadError(str(cut)) from cut


@asynccontextmanager
async def emulated(broker: str, patience: httpx.Timeout = PATIENCE) -> AsyncIterator[Emulated]:
    """Start a broker's paper environment with one stock listed and quoted."""
    kind, clock = (KINDS | REAL_KINDS)[broker], Clock()
    clock.passes(kind.hours_later * 3_600)
    app = kind.app(clock)
    async with served(app) as address, httpx.AsyncClient(base_url=address, timeout=patience, trust_env=False) as http:
        yield _opened(kind, app, http, clock)


@asynccontextmanager
async def in_memory(broker: str) -> AsyncIterator[Emulated]:
    """The same without a wire, for very many runs."""
    kind, clock = (KINDS | REAL_KINDS)[broker], Clock()
    clock.passes(kind.hours_later * 3_600)
    app = kind.app(clock)
    async with httpx.AsyncClient(transport=Memory(app), base_url="http://emulator", timeout=2.0) as http:
        yield _opened(kind, app, http, clock)


def _opened(kind: Kind, app: FastAPI, http: httpx.AsyncClient, clock: Clock) -> Emulated:
    running = Emulated(kind, app, http, clock)
    running.house.list_symbol(kind.symbol, running.money("70000"))
    running.quotes()
    return running


def _kis_app(clock: Clock, environment: Environment = "paper") -> FastAPI:
    app = kis_app(environment, clock)
    app.state.gate.calls_per_second = 1_000_000
    return app


def _kis(
    emulated: Emulated, http: httpx.AsyncClient, keys_of: KeysOf, poll_seconds: float = 0.05, stream: str = ""
) -> Kis:
    emulated.kept = emulated.kept or emulated.token("KIS")
    keys = Credentials("K" * 36, "S" * 180, "50123456")
    client = KisClient(http, emulated.kind.able.environment, keys, emulated.clock, emulated.kept)
    return Kis(client, keys_of, poll_seconds, stream and emulated.socket(stream), "minji")


def _kis_key(emulated: Emulated) -> KisClient:
    emulated.kept = emulated.kept or emulated.token("KIS")
    keys = Credentials("K" * 36, "S" * 180, "50123456")
    return KisClient(emulated.http, "paper", keys, emulated.clock, emulated.kept)


def _alpaca_key(emulated: Emulated) -> AlpacaClient:
    emulated.kept = emulated.kept or emulated.token("Alpaca")
    return AlpacaClient(emulated.http, AlpacaCredentials("PK" + "K" * 18, "S" * 40), emulated.clock, emulated.kept)


def _kis_us_market(emulated: Emulated) -> KisUsMarketData:
    client = _kis_key(emulated)
    return KisUsMarketData(client, Listings(client))


def _kis_us_stream(emulated: Emulated, hear: Hear) -> KisUsMarketStream:
    client = _kis_key(emulated)
    return KisUsMarketStream(client, Listings(client), emulated.socket("/tryitout"), hear)


def _kis_us(
    emulated: Emulated, http: httpx.AsyncClient, keys_of: KeysOf, poll_seconds: float = 0.05, stream: str = ""
) -> KisUs:
    emulated.kept = emulated.kept or emulated.token("KIS")
    keys = Credentials("K" * 36, "S" * 180, "50123456")
    client = KisClient(http, emulated.kind.able.environment, keys, emulated.clock, emulated.kept)
    return KisUs(client, keys_of, poll_seconds, stream and emulated.socket(stream), "minji")


def _alpaca_app(clock: Clock) -> FastAPI:
    app = alpaca_app(clock)
    app.state.calls_per_minute = 1_000_000
    return app


def _alpaca(
    emulated: Emulated, http: httpx.AsyncClient, keys_of: KeysOf, poll_seconds: float = 0.05, stream: str = ""
) -> Alpaca:
    emulated.kept = emulated.kept or emulated.token("Alpaca")
    client = AlpacaClient(http, AlpacaCredentials("PK" + "K" * 18, "S" * 40), emulated.clock, emulated.kept)
    return Alpaca(client, keys_of, poll_seconds, stream and emulated.socket(stream))


def _ls_app(clock: Clock) -> FastAPI:
    app = ls_app(clock)
    app.state.limits = {"*": 1_000_000}
    return app


def _ls(
    emulated: Emulated, http: httpx.AsyncClient, keys_of: KeysOf, poll_seconds: float = 0.05, stream: str = ""
) -> Ls:
    emulated.kept = emulated.kept or emulated.token("LS")
    client = LsClient(http, LsCredentials("K" * 36, "S" * 36), emulated.clock, emulated.kept)
    return Ls(client, keys_of, poll_seconds, stream and emulated.socket(stream))


def _kiwoom_app(clock: Clock, environment: Environment = "paper") -> FastAPI:
    app = kiwoom_app(clock, environment)
    app.state.calls_per_second = 1_000_000
    return app


def _kiwoom(
    emulated: Emulated, http: httpx.AsyncClient, keys_of: KeysOf, poll_seconds: float = 0.05, stream: str = ""
) -> Kiwoom:
    emulated.kept = emulated.kept or emulated.token("Kiwoom")
    client = KiwoomClient(http, KiwoomCredentials("K" * 43, "S" * 43), emulated.clock, emulated.kept)
    return Kiwoom(client, keys_of, poll_seconds, stream and emulated.socket(stream))


def _kiwoom_key(emulated: Emulated) -> KiwoomClient:
    emulated.kept = emulated.kept or emulated.token("Kiwoom")
    return KiwoomClient(emulated.http, KiwoomCredentials("K" * 43, "S" * 43), emulated.clock, emulated.kept)


def _ls_key(emulated: Emulated) -> LsClient:
    emulated.kept = emulated.kept or emulated.token("LS")
    return LsClient(emulated.http, LsCredentials("K" * 36, "S" * 36), emulated.clock, emulated.kept)


KINDS: dict[str, Kind] = {
    "kiwoom": Kind(
        able=KIWOOM,
        app=_kiwoom_app,
        connect=_kiwoom,
        order_call="kt10000",
        list_call="kt00007",
        symbol="005930",
        limit="0",
        reasons=frozenset({"market_closed", "unknown_symbol", "order_type_not_allowed"}),
        listen=lambda emulated, poll: _kiwoom(emulated, emulated.http, emulated.keys_of, poll, "/api/dostk/websocket"),
        market_data=lambda emulated: KiwoomMarketData(_kiwoom_key(emulated)),
        market_stream=lambda emulated, hear: KiwoomMarketStream(
            _kiwoom_key(emulated), emulated.socket("/api/dostk/websocket"), hear
        ),
    ),
    "ls": Kind(
        able=LS,
        app=_ls_app,
        connect=_ls,
        order_call="CSPAT00601",
        list_call="t0425",
        symbol="005930",
        reasons=frozenset({"rejected_by_broker"}),
        listen=lambda emulated, poll: _ls(emulated, emulated.http, emulated.keys_of, poll, "/websocket"),
        market_data=lambda emulated: LsMarketData(_ls_key(emulated)),
        market_stream=lambda emulated, hear: LsMarketStream(_ls_key(emulated), emulated.socket("/websocket"), hear),
    ),
    "alpaca": Kind(
        able=ALPACA,
        app=_alpaca_app,
        connect=_alpaca,
        order_call="POST orders",
        list_call="GET orders:by_client_order_id",
        report_call="GET orders",
        symbol="AAPL",
        limit="day",
        reasons=frozenset({"unknown_symbol", "insufficient_cash", "insufficient_shares", "price_off_tick"}),
        scale=Decimal("0.01"),
        hours_later=14,
        listen=lambda emulated, poll: _alpaca(emulated, emulated.http, emulated.keys_of, poll, "/stream"),
        market_data=lambda emulated: AlpacaMarketData(_alpaca_key(emulated), "iex"),
        market_stream=lambda emulated, hear: AlpacaMarketStream(
            _alpaca_key(emulated), emulated.socket("/v2/iex"), hear
        ),
        tells_day_volume=False,
        base_is_last_close=True,
    ),
    "kis": Kind(
        able=KIS,
        app=_kis_app,
        connect=_kis,
        order_call="order-cash",
        list_call="inquire-daily-ccld",
        listen=lambda emulated, poll: _kis(emulated, emulated.http, emulated.keys_of, poll, "/tryitout"),
        symbol="005930",
        reasons=frozenset({"market_closed", "unknown_symbol", "insufficient_cash", "insufficient_shares"}),
        market_data=lambda emulated: KisMarketData(_kis_key(emulated)),
        market_stream=lambda emulated, hear: KisMarketStream(_kis_key(emulated), emulated.socket("/tryitout"), hear),
    ),
    "kis_us": Kind(
        able=KIS_US,
        app=_kis_app,
        connect=_kis_us,
        order_call="overseas/order",
        list_call="overseas/inquire-ccnl",
        listen=lambda emulated, poll: _kis_us(emulated, emulated.http, emulated.keys_of, poll, "/tryitout"),
        symbol="AAPL",
        reasons=frozenset({"market_closed", "unknown_symbol", "insufficient_cash", "insufficient_shares"}),
        scale=Decimal("0.01"),
        hours_later=14,
        market_data=_kis_us_market,
        market_stream=_kis_us_stream,
        house="abroad",
    ),
}
REAL_KINDS: dict[str, Kind] = {
    "kis_real": replace(KINDS["kis"], able=KIS_REAL, app=lambda clock: _kis_app(clock, "real")),
    "kis_us_real": replace(KINDS["kis_us"], able=KIS_US_REAL, app=lambda clock: _kis_app(clock, "real")),
    "kiwoom_real": replace(KINDS["kiwoom"], able=KIWOOM_REAL, app=lambda clock: _kiwoom_app(clock, "real")),
}
"""Environments with real money, of brokers that are asked otherwise there; at their emulator it is none."""

"""What market's tests share: the service on real servers, people with tokens, and bars to import."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import uvicorn
from fakefeeds.fixtures import clock, indices, opened, slept, world
from fastapi import FastAPI
from kit import cache
from kit.frames import FrameProtocol
from kit.ids import new_id
from kit.json import dumps_text
from kit.testing.databases import TestDatabase
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from market.app import create_app
from market.config import Settings
from redis.asyncio import Redis

__all__ = ["clock", "indices", "opened", "slept", "world"]

HEADER = "Date,Open,High,Low,Close,Volume,Change"
BESIDE = Path(__file__).resolve().parents[4] / "shared" / "data"
REFERENCE_DATA = Path(os.environ.get("EXODUS_REFERENCE_DATA", BESIDE))
REAL_DATA = REFERENCE_DATA / "kr_daily" / "large_caps_30"


@pytest.fixture(scope="session")
def service() -> str:
    return "market"


@pytest.fixture
def settings(fresh: TestDatabase, amqp_url: str, redis_url: str) -> Settings:
    return Settings(
        environment="test",
        http_port=1,
        worker_port=2,
        database_url=fresh.app_url,
        system_database_url=fresh.system_url,
        amqp_url=amqp_url,
        redis_url=redis_url,
        jwks_url="http://127.0.0.1:9/",
    )


@pytest.fixture
def app(settings: Settings, tokens: Tokens) -> FastAPI:
    return create_app(settings, tokens.verifier)


@pytest_asyncio.fixture
async def anonymous(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client(app) as opened:
        yield opened


@dataclass(frozen=True)
class People:
    """The same running service, as different people see it."""

    anonymous: httpx.AsyncClient
    tokens: Tokens

    def of(self, role: str) -> httpx.AsyncClient:
        token = self.tokens.for_user(new_id(), role)
        return httpx.AsyncClient(
            transport=self.anonymous._transport,
            base_url=self.anonymous.base_url,
            headers={"Authorization": f"Bearer {token}"},
        )


@pytest.fixture
def people(anonymous: httpx.AsyncClient, tokens: Tokens) -> People:
    return People(anonymous, tokens)


@pytest.fixture
def admin(people: People) -> httpx.AsyncClient:
    return people.of("admin")


@pytest.fixture
def user(people: People) -> httpx.AsyncClient:
    return people.of("user")


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    opened = cache.connect(redis_url)
    yield opened
    await opened.aclose()


@pytest.fixture
def symbol() -> str:
    """A code no other test uses: the test Redis is shared."""
    return f"9{new_id().hex[-5:].upper()}"


@pytest.fixture(scope="session")
def reference_data() -> Path:
    if not REFERENCE_DATA.is_dir():
        pytest.skip("needs the reference data, which is not part of the repository")
    return REFERENCE_DATA


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not REAL_DATA.is_dir():
        pytest.skip("needs the sample of real prices, which is not part of the repository")
    return REAL_DATA


@pytest.fixture(scope="session")
def large_caps(real_data: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(real_data.glob("*.csv"))}


Upload = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
def upload(admin: httpx.AsyncClient) -> Upload:
    """`await upload({"005930.csv": content}, skip_bad="true")`: what an admin's import answers."""

    async def send(files: dict[str, bytes], **fields: str) -> httpx.Response:
        parts = [("files", (name, content)) for name, content in files.items()]
        form = {"market": "KRX", "board": "KOSPI"} | fields
        return await admin.post("/api/v1/market/imports", data=form, files=parts)

    return send


@pytest.fixture
def bars_csv() -> Callable[..., bytes]:
    """`bars_csv("2024-12-16,1,2,1,2,10,")`: a file with the usual header."""

    def build(*rows: str, header: str = HEADER) -> bytes:
        return "\n".join([header, *rows, ""]).encode()

    return build


@pytest.fixture
def a_quote() -> Callable[..., str]:
    """`a_quote(symbol, price="101")`: a quote as market publishes it."""

    def build(symbol: str, **changes: str) -> str:
        quote = {
            "type": "quote",
            "symbol": symbol,
            "market": "KRX",
            "board": "KOSPI",
            "kind": "stock",
            "currency": "KRW",
            "name": "삼성전자",
            "price": "70100",
            "change": "100",
            "change_percent": "0.14",
            "volume": 1234567,
            "bid": "70000",
            "ask": "70100",
            "bid_size": "500",
            "ask_size": "420",
            "base_price": "70000",
            "upper_limit": "91000",
            "lower_limit": "49000",
            "open": "70000",
            "high": "70300",
            "low": "69900",
            "session": "regular",
            "trading_date": "2024-12-16",
            "timestamp": "2026-11-20T01:02:03.456Z",
            "source": "replay",
        }
        return dumps_text(quote | changes)

    return build


@pytest.fixture
def served() -> Callable[[FastAPI], AbstractAsyncContextManager[str]]:
    """`async with served(app) as host`: behind a real uvicorn on a port of its own, as production runs it."""
    return _served


@asynccontextmanager
async def _served(app: FastAPI) -> AsyncIterator[str]:
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, log_config=None, access_log=False, ws=FrameProtocol, timeout_keep_alive=60
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    running = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await asyncio.wait_for(running, 10)

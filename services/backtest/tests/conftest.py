"""What backtest's tests share: its settings, its application, a worker's workshop, and the neighbours it asks."""

from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import httpx
import pytest
import pytest_asyncio
from backtest.app import create_app
from backtest.clients.market import Market
from backtest.config import Settings
from backtest.workshop import Workshop
from fastapi import FastAPI
from kit.clock import now
from kit.db import Database
from kit.service_tokens import ServiceTokens
from kit.testing.databases import TestDatabase
from kit.testing.tokens import Tokens

from services.backtest.tests.neighbours import SECRET, Neighbours, serving
from services.backtest.tests.people import Queue


@pytest.fixture(scope="session")
def service() -> str:
    return "backtest"


@pytest.fixture(scope="session")
def served() -> Iterator[Neighbours]:
    with serving(Neighbours()) as neighbours:
        yield neighbours


@pytest.fixture
def neighbours(served: Neighbours) -> Neighbours:
    """Auth and market on one loopback port, well and with two symbols."""
    served.reset()
    return served


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as opened:
        yield opened


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest_asyncio.fixture
async def workshop(
    database: Database, neighbours: Neighbours, pool: ThreadPoolExecutor, queue: Queue
) -> AsyncIterator[Workshop]:
    async with httpx.AsyncClient(timeout=2) as http:
        market = Market(http, neighbours.url, ServiceTokens(http, neighbours.url, "backtest", SECRET))
        version = "as of these tests"
        yield Workshop(database, market.history_of, pool, now, version, queue.hand_out, market.universe_of, nullcontext)


@pytest.fixture
def settings(fresh: TestDatabase, neighbours: Neighbours, amqp_url: str, redis_url: str) -> Settings:
    return Settings(
        environment="test",
        http_port=1,
        worker_port=2,
        database_url=fresh.app_url,
        system_database_url=fresh.system_url,
        amqp_url=amqp_url,
        redis_url=redis_url,
        jwks_url="http://127.0.0.1:9/",
        market_url=neighbours.url,
        auth_url=neighbours.url,
        service_secret=SECRET,
    )


@pytest.fixture
def app(settings: Settings, tokens: Tokens) -> FastAPI:
    return create_app(settings, tokens.verifier)

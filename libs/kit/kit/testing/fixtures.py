"""A pytest plugin: the real servers' addresses, a fresh database per test, tokens, and clients.

A service's conftest.py says which service it is by a fixture:

    @pytest.fixture(scope="session")
    def service() -> str:
        return "trading"
"""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from starlette.routing import BaseRoute

from kit.db import Database
from kit.testing import databases
from kit.testing.databases import TestDatabase
from kit.testing.serving import free_port
from kit.testing.tokens import Tokens


def _server(variable: str) -> str:
    address = os.environ.get(variable)
    if not address:
        pytest.fail(f"{variable} is not set: the root conftest.py starts the test servers; run pytest from the root")
    return address


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """A superuser's address of the test server."""
    return _server("EXODUS_TEST_POSTGRES").replace("postgresql+asyncpg://", "postgresql://")


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The address of a Redis of this process's own, where its program is installed, else of the shared test Redis.

    Redis' channels know no databases: on a shared one, tests of other processes hear and are heard.
    """
    shared = _server("EXODUS_TEST_REDIS")
    if not (program := shutil.which("redis-server")) or not (ends_with_us := shutil.which("setpriv")):
        yield shared
        return
    port = free_port()
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--requirepass", "test")
    own = subprocess.Popen(  # noqa: S603 - a fixed command
        (ends_with_us, "--pdeathsig", "TERM", program, *options), stdout=subprocess.DEVNULL
    )
    try:
        asyncio.run(_answers(address := f"redis://:test@127.0.0.1:{port}/0"))
        yield address
    finally:
        own.terminate()
        own.wait()


async def _answers(address: str) -> None:
    """Wait until a Redis answers."""
    patient = Retry(ExponentialBackoff(cap=0.1, base=0.01), retries=200)
    async with Redis.from_url(address, retry=patient) as client:
        await client.ping()


@pytest.fixture(scope="session")
def amqp_url() -> str:
    """The address of the test RabbitMQ."""
    return _server("EXODUS_TEST_AMQP")


@pytest.fixture(scope="module")
def template(postgres_server: str, service: str) -> str:
    """The migrated template database of the service under test."""
    return databases.ensure_template(postgres_server, service)


@pytest_asyncio.fixture
async def fresh(postgres_server: str, service: str, template: str) -> AsyncIterator[TestDatabase]:
    """A fresh database for one test: nobody was in it, or what they left is gone."""
    lent = await databases.lend(postgres_server, service, template)
    yield lent.database
    await databases.take_back(postgres_server, lent)


def pytest_sessionfinish() -> None:
    """Drop the databases that wait for a next test."""
    if address := os.environ.get("EXODUS_TEST_POSTGRES"):
        asyncio.run(databases.drop_idle(address.replace("postgresql+asyncpg://", "postgresql://")))


@pytest_asyncio.fixture
async def database(fresh: TestDatabase) -> AsyncIterator[Database]:
    """The fresh database as the service opens it."""
    opened = Database(fresh.app_url, fresh.system_url, pool_size=5, application="test")
    yield opened
    await opened.close()


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    """A mint of good and bad tokens, with the verifier that knows their key."""
    return Tokens()


@asynccontextmanager
async def client(app: FastAPI, token: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """Talk to an application in this process, its lifespan running, as the bearer of a token."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    _compile_once(app)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as opened,
    ):
        yield opened


_compiled: dict[tuple[str, int], BaseRoute] = {}


def _compile_once(app: FastAPI) -> None:
    """Give an application the routes of the first of its kind.

    FastAPI compiles a router's routes when an application gets its first request; that takes longer than most tests.
    """
    for place, route in enumerate(app.router.routes):
        router = getattr(route, "original_router", None)
        if router is not None:
            app.router.routes[place] = _compiled.setdefault((app.title, id(router)), route)

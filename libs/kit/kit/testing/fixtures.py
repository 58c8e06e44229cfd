"""A pytest plugin: the real servers' addresses, a fresh database per test, tokens, and clients.

A service's conftest.py says which service it is by a fixture:

    @pytest.fixture(scope="session")
    def service() -> str:
        return "trading"
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from kit.db import Database
from kit.testing import databases
from kit.testing.databases import TestDatabase
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
def redis_url() -> str:
    """The address of the test Redis."""
    return _server("EXODUS_TEST_REDIS")


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
    """A fresh database for one test."""
    database = await databases.create(postgres_server, service, template)
    yield database
    await databases.drop(postgres_server, database)


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
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as opened,
    ):
        yield opened

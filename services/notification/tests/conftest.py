"""What notification's tests share: settings, the worker's side, and the application behind a real socket."""

from collections.abc import AsyncIterator
from secrets import token_hex

import pytest
import pytest_asyncio
from fastapi import FastAPI
from kit.testing.databases import TestDatabase
from kit.testing.tokens import Tokens
from notification.app import create_app
from notification.config import Settings
from notification.resources import Resources, open_resources

from services.notification.tests.people import Person, serve


@pytest.fixture(scope="session")
def service() -> str:
    return "notification"


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
        sealing_key=token_hex(32),
        outgoing_loopback=True,
        market_url="http://127.0.0.1:9",
        auth_url="http://127.0.0.1:9",
        service_secret=token_hex(32),
    )


@pytest.fixture
def app(settings: Settings, tokens: Tokens) -> FastAPI:
    return create_app(settings, tokens.verifier)


@pytest_asyncio.fixture
async def worker(settings: Settings) -> AsyncIterator[Resources]:
    """What the worker process holds."""
    async with open_resources(settings) as resources:
        yield resources


@pytest_asyncio.fixture
async def haneul(app: FastAPI, tokens: Tokens, worker: Resources) -> AsyncIterator[Person]:
    """A person, and a server to connect to."""
    async with serve(app) as port:
        yield Person(port, tokens, worker)

"""What auth's tests share: its settings, its application in this process, and people who have registered."""

import secrets
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio
from auth.app import create_app
from auth.config import Settings
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from fastapi import FastAPI
from kit.db import Database
from kit.testing.databases import TestDatabase
from kit.testing.fixtures import client

from services.auth.tests.people import SERVICE_SECRET, Person, becomes, register
from services.auth.tests.social import VERIFIED, configured
from services.auth.tests.wire_provider import WireProvider, wire_provider


@pytest.fixture(scope="session")
def service() -> str:
    return "auth"


@pytest.fixture(scope="session")
def signing_key() -> str:
    key = generate_private_key(SECP256R1())
    kinds = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*kinds).decode()


@pytest.fixture
def settings(fresh: TestDatabase, signing_key: str, amqp_url: str, redis_url: str) -> Settings:
    return Settings(
        environment="test",
        http_port=1,
        worker_port=2,
        database_url=fresh.app_url,
        system_database_url=fresh.system_url,
        amqp_url=amqp_url,
        redis_url=redis_url,
        jwks_url="http://127.0.0.1:9/",
        signing_key=signing_key,
        sealing_key=secrets.token_hex(32),
        hashing_niceness=0,  # a test waits for each hash, beside others that keep the machine busy
        service_secrets={"backtest": SERVICE_SECRET},
    )


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return create_app(settings)


@pytest_asyncio.fixture
async def operator(http: httpx.AsyncClient, database: Database) -> Person:
    person = await register(http, "operator@example.com", name="김관리")
    await becomes(database, person, "admin")
    return person


@pytest_asyncio.fixture
async def second(http: httpx.AsyncClient, database: Database) -> Person:
    """Another admin, who looks at what the first proposes."""
    person = await register(http, "second@example.com", name="이관리")
    await becomes(database, person, "admin")
    return person


@pytest.fixture
def revoked_learnt_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application goes on believing a token whose session has ended, as it may for some seconds."""
    monkeypatch.setattr("kit.auth.ASK_SECONDS", 60.0)


@pytest_asyncio.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with client(app) as opened:
        yield opened


@pytest_asyncio.fixture
async def haneul(http: httpx.AsyncClient) -> Person:
    """A registered person who has logged in."""
    person = await register(http, "haneul.kim@example.com")
    await person.logs_in()
    return person


@pytest.fixture
def wire() -> Iterator[WireProvider]:
    with wire_provider() as provider:
        provider.claims = dict(VERIFIED)
        yield provider


@pytest_asyncio.fixture
async def social(settings: Settings, wire: WireProvider) -> AsyncIterator[httpx.AsyncClient]:
    async with client(create_app(configured(settings, wire))) as opened:
        yield opened

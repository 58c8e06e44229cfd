"""trading's tests run on a fresh database of their own; quotes are published under symbols of their own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from kit import cache
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.fixtures import client
from kit.testing.tokens import Tokens
from redis.asyncio import Redis
from trading.app import create_app
from trading.config import Settings


@pytest.fixture(scope="session")
def service() -> str:
    return "trading"


@pytest.fixture
def owner() -> UUID:
    return new_id()


@pytest.fixture
def settings(fresh: TestDatabase, redis_url: str, amqp_url: str) -> Settings:
    return Settings(
        environment="test",
        http_port=1,
        worker_port=2,
        database_url=fresh.app_url,
        system_database_url=fresh.system_url,
        amqp_url=amqp_url,
        redis_url=redis_url,
        jwks_url="http://127.0.0.1:9/",
        orders_under_way_max=1_000,  # what happens beyond it is test_lanes' subject
        others_under_way_max=1_000,
        quote_kept_milliseconds=0,  # a test that publishes a quote wants it
        market_url="http://127.0.0.1:9",
        auth_url="http://127.0.0.1:9",
        service_secret="0123456789abcdef0123456789abcdef",
    )


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator["Redis"]:
    opened = cache.connect(redis_url)
    yield opened
    await opened.aclose()


@pytest_asyncio.fixture
async def api(settings: Settings, tokens: Tokens) -> AsyncIterator[httpx.AsyncClient]:
    """The application in this process, without a token."""
    async with client(create_app(settings, tokens.verifier)) as opened:
        yield opened


@pytest.fixture
def people(api: httpx.AsyncClient, tokens: Tokens) -> "People":
    return People(api, tokens)


class People:
    """Makes people who talk to the same application."""

    def __init__(self, api: httpx.AsyncClient, tokens: Tokens) -> None:
        self._api = api
        self._tokens = tokens

    def nobody(self) -> httpx.AsyncClient:
        return self._api

    def new(self, user_id: UUID | None = None) -> "Caller":
        user_id = user_id or new_id()
        return Caller(user_id, self._api, {"Authorization": f"Bearer {self._tokens.for_user(user_id)}"})


@dataclass(frozen=True)
class Caller:
    """One person's way to call."""

    id: UUID
    api: httpx.AsyncClient
    headers: dict[str, str]

    async def get(self, path: str, **params: object) -> httpx.Response:
        return await self.api.get(f"/api/v1{path}", headers=self.headers, params=params or None)  # type: ignore[arg-type]

    async def post(self, path: str, body: object) -> httpx.Response:
        return await self.api.post(f"/api/v1{path}", headers=self.headers, json=body)

    async def patch(self, path: str, body: object) -> httpx.Response:
        return await self.api.patch(f"/api/v1{path}", headers=self.headers, json=body)

    async def put(self, path: str, body: object) -> httpx.Response:
        return await self.api.put(f"/api/v1{path}", headers=self.headers, json=body)

    def of_an_hour_ago(self, tokens: Tokens) -> "Caller":
        """The same person, whose last proof of who they are is an hour old."""
        claims = tokens.claims(self.id)
        token = tokens.sign(claims | {"auth_time": claims["auth_time"] - 3600})
        return Caller(self.id, self.api, {"Authorization": f"Bearer {token}"})

    def as_admin(self, tokens: Tokens) -> "Caller":
        return Caller(self.id, self.api, {"Authorization": f"Bearer {tokens.for_user(self.id, 'admin')}"})

    async def delete(self, path: str) -> httpx.Response:
        return await self.api.delete(f"/api/v1{path}", headers=self.headers)

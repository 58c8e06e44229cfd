"""What the broker service's tests share: its settings, a desk with the real simulator, and a floor to trade on."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from broker.adapters.simulator.connector import Simulator
from broker.config import Settings
from broker.desk import Desk
from kit import cache
from kit.clock import now
from kit.db import Database
from kit.testing.databases import TestDatabase
from redis.asyncio import Redis

from services.broker.tests.floor import Floor, Tape

VAULT_KEY = os.urandom(32).hex()


@pytest.fixture(scope="session")
def service() -> str:
    return "broker"


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
        vault_key=VAULT_KEY,
    )


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator["Redis"]:
    opened = cache.connect(redis_url)
    yield opened
    await opened.aclose()


@pytest.fixture
def tape(redis: "Redis") -> Tape:
    return Tape(redis)


@pytest.fixture
def simulator(database: Database, redis: "Redis") -> Simulator:
    return Simulator(database, redis, now)


@pytest.fixture
def floor(database: Database, redis: "Redis", simulator: Simulator, tape: Tape, settings: Settings) -> Floor:
    return Floor(Desk(database, redis, {"simulator": simulator}, now, settings), tape)

"""What the two processes of the broker service hold open: a database for the API, a whole desk for the worker."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from kit import cache
from kit.db import Database

from broker.adapters.simulator.connector import Simulator
from broker.config import Settings
from broker.desk import Desk


@dataclass(frozen=True, slots=True)
class Resources:
    """What the API needs."""

    database: Database


def _database(settings: Settings) -> Database:
    return Database(
        settings.database_url.get_secret_value(),
        settings.system_database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application="broker",
    )


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Connect the API's database, and disconnect it at the end."""
    database = _database(settings)
    try:
        yield Resources(database)
    finally:
        await database.close()


@asynccontextmanager
async def open_desk(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[Desk]:
    """Connect everything the worker needs, the connectors included."""
    database, redis = _database(settings), cache.connect(settings.redis_url.get_secret_value())
    simulator = Simulator(database, redis, clock, settings.fee_schedule, settings.slippage_ticks)
    try:
        yield Desk(database, redis, {simulator.capabilities.broker: simulator}, clock, settings)
    finally:
        await redis.aclose()
        await database.close()

"""What the running service holds open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kit import cache
from kit.db import Database

from trading.clients.quotes import Quotes
from trading.config import Settings
from trading.domain.limits import Limits


@dataclass(frozen=True, slots=True)
class Resources:
    """The database decides readiness; without quotes the service stays up and denies."""

    database: Database
    quotes: Quotes
    limits: Limits


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Connect, and disconnect at the end."""
    database = Database(
        settings.database_url.get_secret_value(),
        settings.system_database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application="trading",
    )
    redis = cache.connect(settings.redis_url.get_secret_value())
    try:
        yield Resources(database, Quotes(redis), settings.limits())
    finally:
        await redis.aclose()
        await database.close()

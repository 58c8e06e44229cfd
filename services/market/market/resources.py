"""What market's processes hold open: the database, Redis, and in the API the hub of watchers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kit import cache
from kit.db import Database
from redis.asyncio import Redis

from market.chart_cache import ChartCache
from market.config import Settings
from market.hub import QuoteHub
from market.panels import Panels
from market.tasks import end
from market.wants import tell_wants


@dataclass(frozen=True, slots=True)
class Resources:
    """The API's resources; the worker uses the first two."""

    database: Database
    cache: Redis
    hub: QuoteHub
    panels: Panels
    charts: ChartCache


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Connect everything; the hub listens to nothing before `listening`."""
    database = Database(
        settings.database_url.get_secret_value(),
        settings.system_database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application="market",
    )
    redis = cache.connect(settings.redis_url.get_secret_value())
    try:
        yield Resources(database, redis, QuoteHub(redis), Panels(), ChartCache())
    finally:
        await redis.aclose()
        await database.close()


@asynccontextmanager
async def open_with_hub(settings: Settings) -> AsyncIterator[Resources]:
    """Connect everything, let the hub hear every quote, and tell what its clients watch."""
    async with open_resources(settings) as resources:
        hearing = asyncio.create_task(resources.hub.run(), name="quote hub")
        wants = tell_wants(resources.hub, resources.database, resources.cache)
        telling = asyncio.create_task(wants, name="what is wanted")
        try:
            yield resources
        finally:
            await end([hearing, telling])

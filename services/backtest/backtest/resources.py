"""What the API process holds while it serves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kit.db import Database

from backtest.config import Settings


@dataclass(frozen=True)
class Resources:
    """The service's own database; its API needs nothing else."""

    database: Database


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Connect, and disconnect at the end."""
    async with open_database(settings) as database:
        yield Resources(database)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """Open both pools, and close them at the end."""
    database = Database(
        settings.database_url.get_secret_value(),
        settings.system_database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application="backtest",
    )
    try:
        yield database
    finally:
        await database.close()

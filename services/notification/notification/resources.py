"""What notification holds open while it runs.

Only the database decides readiness: without Redis messages arrive up to a second late, and alerts wait.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from kit import cache
from kit.clock import now  # tidy: allow clock because what signs and dates messages is built here, at the edge
from kit.db import Database

from notification.channels.catalogue import Catalogue, open_catalogue
from notification.config import Settings
from notification.hints import Hints
from notification.hub import Hub
from notification.quotes import Quotes
from notification.sealing import Sealer
from notification.tasks import stop


@dataclass(frozen=True)
class Resources:
    """The database, hints to other processes, quotes, this process's WebSocket clients, the seal, and channels."""

    database: Database
    hints: Hints
    quotes: Quotes
    hub: Hub
    sealer: Sealer
    catalogue: Catalogue


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Open everything, and close it at the end. The hub works only where clients are: see app.py."""
    database = Database(
        settings.database_url.get_secret_value(),
        settings.system_database_url.get_secret_value(),
        pool_size=settings.database_pool_size,
        application="notification",
    )
    redis = cache.connect(settings.redis_url.get_secret_value())
    hints = Hints(redis)
    sending = asyncio.create_task(hints.run(), name="hints")
    try:
        hub = Hub(database, settings.redis_url.get_secret_value())
        sealer = Sealer(settings.sealing_key.get_secret_value())
        async with open_catalogue(settings, sealer, now) as catalogue:
            yield Resources(database, hints, Quotes(redis), hub, sealer, catalogue)
    finally:
        await stop(sending)
        await redis.aclose()
        await database.close()


def _opened(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


Opened = Annotated[Resources, Depends(_opened)]

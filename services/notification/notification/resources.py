"""What notification holds open while it runs.

Only the database decides readiness: without Redis messages arrive up to a second late, and alerts wait.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import httpx
from fastapi import Depends, Request
from kit import cache
from kit.clock import now  # tidy: allow clock because what signs and dates messages is built here, at the edge
from kit.db import Database
from kit.service_tokens import ServiceTokens
from kit.settings import secrets_directory
from kit.trust import trust

from notification.channels.catalogue import Catalogue, open_catalogue
from notification.clients.market import Market
from notification.config import Settings
from notification.hints import Hints
from notification.hub import Hub
from notification.quotes import Quotes
from notification.sealing import Sealer
from notification.tasks import stop

NEIGHBOUR_TIMEOUT_SECONDS = 10


@dataclass(frozen=True)
class Resources:
    """The database, hints to others, quotes, bars, this process's WebSocket clients, the seal, and channels."""

    database: Database
    hints: Hints
    quotes: Quotes
    market: Market
    hub: Hub
    sealer: Sealer
    catalogue: Catalogue


def sealer_of(settings: Settings) -> Sealer:
    """Make the sealer of the configured keys; where they lie in a secret file, it follows every change of that."""
    file = secrets_directory() / "notification_sealing_key"
    return Sealer(settings.sealing_key.get_secret_value(), file if file.is_file() else None)


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
    http = httpx.AsyncClient(verify=trust(), timeout=NEIGHBOUR_TIMEOUT_SECONDS)
    tokens = ServiceTokens(http, settings.auth_url, "notification", settings.service_secret.get_secret_value())
    market = Market(http, settings.market_url, tokens)
    sending = asyncio.create_task(hints.run(), name="hints")
    try:
        hub = Hub(database, settings.redis_url.get_secret_value())
        sealer = sealer_of(settings)
        async with open_catalogue(settings, sealer, now) as catalogue:
            yield Resources(database, hints, Quotes(redis), market, hub, sealer, catalogue)
    finally:
        await stop(sending)
        await http.aclose()
        await redis.aclose()
        await database.close()


def _opened(request: Request) -> Resources:
    resources: Resources = request.app.state.resources
    return resources


Opened = Annotated[Resources, Depends(_opened)]

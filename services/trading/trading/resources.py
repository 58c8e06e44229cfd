"""What the running service holds open."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
from kit import cache
from kit.db import Database
from kit.service_tokens import ServiceTokens
from kit.trust import trust
from quant.markets.listing import Currency

from trading.backlog import Progress
from trading.clients.market import Market
from trading.clients.quotes import Quotes
from trading.config import Settings
from trading.domain.limits import Limits
from trading.placer import Placer

NEIGHBOUR_TIMEOUT_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Resources:
    """The database decides readiness; without quotes the service stays up and denies."""

    database: Database
    quotes: Quotes
    limits: Limits
    market: Market
    benchmarks: Mapping[Currency, str] = field(default_factory=dict)
    """What courses are compared with."""
    progress: Progress | None = None
    """How far the worker tells that it has come."""
    placer: Placer = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "placer", Placer(self.database))


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
    progress = Progress(redis)
    http = httpx.AsyncClient(verify=trust(), timeout=NEIGHBOUR_TIMEOUT_SECONDS)
    tokens = ServiceTokens(http, settings.auth_url, "trading", settings.service_secret.get_secret_value())
    try:
        market = Market(http, settings.market_url, tokens)
        quotes = Quotes(redis, settings.quote_kept_milliseconds / 1e3)
        yield Resources(database, quotes, settings.limits(), market, settings.benchmarks(), progress)
    finally:
        await http.aclose()
        await redis.aclose()
        await database.close()

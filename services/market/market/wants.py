"""Tells a feed what the clients of this process watch, every other second: it follows what is wanted, and no more.

Only instruments that market knows are told of: whoever watches something made up must not make anybody ask a broker.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import structlog
from kit.db import Database
from kit.errors import AppError
from kit.ids import new_id
from kit.json import dumps_text
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from market.hub import QuoteHub
from market.store import instruments

CHANNEL: Final = "feed.wanted"
EVERY_SECONDS: Final = 2.0
SYMBOLS_MAX: Final = 500
"""Told of at once, the most watched first: many times what any feed can follow."""

log = structlog.get_logger()


async def tell_wants(hub: QuoteHub, database: Database, cache: Redis) -> None:
    """Tell it until cancelled. When it cannot be told, a feed goes on for a while with what it has heard."""
    process = str(new_id())
    while True:
        try:
            watched = await _known(hub.watched(), database)
            await cache.publish(CHANNEL, dumps_text({"process": process, "watched": watched}))
        except (RedisError, OSError, TimeoutError, DBAPIError, AppError) as away:
            log.warning("what is watched cannot be told", error=repr(away))
        await asyncio.sleep(EVERY_SECONDS)


async def _known(watched: Mapping[str, int], database: Database) -> dict[str, int]:
    most = sorted(watched, key=lambda symbol: (-watched[symbol], symbol))[:SYMBOLS_MAX]
    if not most:
        return {}
    async with database.public() as session:
        known = await instruments.find_many(session, most)
    return {symbol: watched[symbol] for symbol in most if symbol in known}

"""Counts open orders, again and again, for whoever watches the platform.

Every worker counts: a figure of the one worker that won a turn would grow old in all the others.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from trading.domain.order import OPEN
from trading.meters import order_oldest_seconds, orders_open
from trading.resources import Resources
from trading.stops import OUTAGES
from trading.store import system

COUNT_EVERY_SECONDS: Final = 15.0

log = structlog.get_logger()

Clock = Callable[[], datetime]


async def keep_census(resources: Resources, clock: Clock) -> None:
    """Count until cancelled; while the database is away the last figures stand."""
    while True:
        try:
            await count(resources, clock)
        except OUTAGES as away:
            log.warning("open orders are not counted for a moment", error=repr(away))
        await asyncio.sleep(COUNT_EVERY_SECONDS)


async def count(resources: Resources, clock: Clock) -> None:
    """Say of each status that is not an end how many orders are in it, and since when the oldest is."""
    async with resources.database.system() as session:
        found = await system.count_open(session)
    for status in OPEN:
        number, since = found.get(status, (0, None))
        orders_open.labels(status).set(number)
        order_oldest_seconds.labels(status).set(max(0, (clock() - since).total_seconds()) if since else 0)

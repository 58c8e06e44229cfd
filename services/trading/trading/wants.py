"""Tells whoever brings live prices what open orders and automations need: nobody may be watching when they do.

Every worker tells the same, so it does no harm that there are several.
"""

import asyncio
from typing import Final

import structlog

from trading.resources import Resources
from trading.stops import OUTAGES
from trading.store import system

EVERY_SECONDS: Final = 4.0

log = structlog.get_logger()


async def tell_wants(resources: Resources) -> None:
    """Tell it until cancelled."""
    while True:
        try:
            async with resources.database.system() as session:
                wanted = await system.list_wanted(session)
            await resources.quotes.want(wanted)
        except OUTAGES as away:
            log.warning("what prices are needed is not told", error=repr(away))
        await asyncio.sleep(EVERY_SECONDS)

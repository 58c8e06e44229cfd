"""Tells whoever brings live prices which symbols alerts wait for: without it nobody would hear of what nobody watches.

Every worker tells the same, so it does no harm that there are several.
"""

import asyncio
from typing import Final

from kit.errors import Unavailable
from kit.observe import log

from notification.resources import Resources
from notification.store import system

EVERY_SECONDS: Final = 4.0


async def tell_wants(resources: Resources) -> None:
    """Tell it until cancelled."""
    while True:
        try:
            async with resources.database.system() as session:
                wanted = await system.list_wanted(session)
            resources.hints.prices_are_wanted(wanted)
        except Unavailable as away:
            log.warning("what alerts wait for is not told", error=str(away))
        await asyncio.sleep(EVERY_SECONDS)

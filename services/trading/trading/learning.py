"""Tables are analyzed when there is something in them, and again whenever they are five times as large.

PostgreSQL looks once a minute, and plans are kept. On a new platform each index that begins with the owner looked as
good as another, so an order was found by walking through all of its owner's.
"""

import asyncio
from typing import Final

import structlog
from kit.db import Database

from trading.store import system

LOOK_SECONDS: Final = 3

log = structlog.get_logger()


async def keep_learning(database: Database) -> None:
    """Look every few seconds, until cancelled."""
    while True:
        try:
            async with database.system() as session:
                await system.learn_tables(session)
        except Exception:  # a table of a day may be dropped while it is looked at
            log.exception("tables are learned later")
        await asyncio.sleep(LOOK_SECONDS)

"""Collects exports in the worker: takes a part that is due, asks its service, keeps the answer.

A part is claimed before the call and kept after it, each in a transaction of its own; a worker that dies between them
loses its claim after two minutes. Any number of workers may run: nobody takes a part that somebody else has.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from kit.db import Database
from kit.errors import Unavailable

from auth.clients.belongings import Belongings
from auth.store import leaving

LOOK_SECONDS = 1.0

log = structlog.get_logger()

Clock = Callable[[], datetime]


async def collect_forever(database: Database, belongings: Belongings, clock: Clock) -> None:
    """Collect whatever is due, until cancelled; while the database is away nothing is."""
    while True:
        try:
            busy = await collect_one(database, belongings, clock)
        except Unavailable as down:
            log.warning("nothing collected", error=str(down))
            busy = False
        if not busy:
            await asyncio.sleep(LOOK_SECONDS)


async def collect_one(database: Database, belongings: Belongings, clock: Clock) -> bool:
    """Ask one service for one part; False when none is due."""
    async with database.system() as session:
        part = await leaving.lock_due_part(session, clock())
    if part is None:
        return False
    try:
        body = await belongings.of(part.owner, part.service)
    except Unavailable as missing:
        async with database.system() as session:
            await leaving.save_failure(session, part, missing.detail, clock())
        log.info("a part is missing", service=part.service, tries=part.tries)
    else:
        async with database.system() as session:
            await leaving.save_part(session, part, body, clock())
    return True

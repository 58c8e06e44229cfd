"""Work that one worker does for all of them: it holds an advisory lock, on a connection of its own, while it works.

The lock only saves double work. Nothing breaks while two hold it for a moment: what they do is idempotent by itself.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import asyncpg
import structlog
from kit.errors import Unavailable

from broker.tasks import stop_if_cancelled

LOCK_RETRY_SECONDS: Final = 1
PAUSE_SECONDS: Final = 1
CONNECT_TIMEOUT_SECONDS: Final = 5

log = structlog.get_logger()


async def run_alone(system_database_url: str, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do some endless work whenever no other worker does; start over when the database goes away."""
    dsn = system_database_url.replace("postgresql+asyncpg://", "postgresql://")
    while True:
        try:
            await _hold_and_work(dsn, name, work)
        except* (asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable, OSError, TimeoutError) as lost:
            log.warning("work starts over", name=name, error=repr(lost.exceptions))
        stop_if_cancelled()
        await asyncio.sleep(PAUSE_SECONDS)


async def _hold_and_work(dsn: str, name: str, work: Callable[[], Awaitable[None]]) -> None:
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_SECONDS, command_timeout=CONNECT_TIMEOUT_SECONDS)
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    try:
        await connection.execute("SET idle_session_timeout = 0")  # it holds in silence
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", key):  # noqa: ASYNC110 - asks a server
            await asyncio.sleep(LOCK_RETRY_SECONDS)
        log.info("works for all", name=name)
        working = asyncio.ensure_future(work())
        losing = asyncio.ensure_future(lost.wait())
        try:
            await asyncio.wait({working, losing}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            losing.cancel()
            if not working.done():
                working.cancel()
            with suppress(asyncio.CancelledError):
                await working
    finally:
        connection.terminate()

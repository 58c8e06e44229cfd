"""The right to be the only one: an advisory lock on a connection of its own, gone when that connection is."""

import asyncio
from typing import Any

import asyncpg

RETRY_SECONDS = 1.0
CONNECT_TIMEOUT_SECONDS = 5
COMMAND_TIMEOUT_SECONDS = 10


async def acquire(dsn: str, lock: int) -> "asyncpg.Connection[Any]":
    """Wait until nobody else holds a lock; the connection returned holds it until it is terminated."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_SECONDS, command_timeout=COMMAND_TIMEOUT_SECONDS)
    try:
        # asking again and again is what lets a cancelled wait end
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock):  # noqa: ASYNC110 - no event for it
            await asyncio.sleep(RETRY_SECONDS)
    except BaseException:
        connection.terminate()
        raise
    return connection

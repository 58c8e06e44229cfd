"""The right to be the only one: an advisory lock on a connection of its own, gone when that connection is."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import IntEnum
from typing import Any, Final, TypeAlias

import asyncpg
import structlog
from kit.errors import AppError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

RETRY_SECONDS = 1.0
RESTART_SECONDS = 1.0
CONNECT_TIMEOUT_SECONDS = 5
COMMAND_TIMEOUT_SECONDS = 10
LOST: Final = (
    RedisError,
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    DBAPIError,
    AppError,
)
"""What surroundings that have gone away raise."""

Held: TypeAlias = "asyncpg.Connection[Any]"
"""A connection that holds a right until it is terminated."""

log = structlog.get_logger()


class Right(IntEnum):
    """What one worker at a time may do, by the number of its lock."""

    PLAY_REPLAYS = 4_901_003
    ROLL_MINUTES = 4_901_005
    RUN_PIPELINES = 4_901_006
    TELL_LIVE_PRICES = 4_901_007


async def work_alone(system_url: str, right: Right, work: Callable[[Held], Awaitable[None]]) -> None:
    """Do what only one may, until cancelled, and begin anew when its surroundings failed.

    `work` is given the connection that holds the right: a statement on it raises once the right is gone.
    """
    dsn = system_url.replace("postgresql+asyncpg://", "postgresql://")
    while True:
        try:
            connection = await _acquire(dsn, right)
            try:
                await work(connection)
            finally:
                connection.terminate()
        except LOST as lost:
            log.warning("work that one does alone starts over", right=right.name, error=repr(lost))
        await asyncio.sleep(RESTART_SECONDS)


async def _acquire(dsn: str, right: Right) -> Held:
    """Wait until nobody else holds a right."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_SECONDS, command_timeout=COMMAND_TIMEOUT_SECONDS)
    try:
        # asking again and again is what lets a cancelled wait end
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", right):  # noqa: ASYNC110 - no event for it
            await asyncio.sleep(RETRY_SECONDS)
    except BaseException:
        connection.terminate()
        raise
    return connection

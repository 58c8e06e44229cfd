"""The right to be the only one: an advisory lock on a connection of its own, gone when that connection is.

It is a lease: a holder that has not been heard of for a while loses it, whatever keeps it from running. Each taking is
a new epoch, by which what is written elsewhere is fenced (`market.store.fence`): a holder that lost its right without
knowing it writes nothing once its successor has begun.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

import asyncpg
import structlog
from kit.errors import AppError
from redis.exceptions import RedisError
from sqlalchemy.exc import DBAPIError

from market.tasks import end

RETRY_SECONDS = 1.0
RESTART_SECONDS = 1.0
BEAT_SECONDS = 1.0
SILENCE_SECONDS_MAX = 15
"""After which PostgreSQL takes the right from a holder it has not heard of."""
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

log = structlog.get_logger()


class Right(IntEnum):
    """What one worker at a time may do, by the number of its lock."""

    PLAY_REPLAYS = 4_901_003
    ROLL_MINUTES = 4_901_005
    RUN_PIPELINES = 4_901_006
    TELL_LIVE_PRICES = 4_901_007


@dataclass(frozen=True, slots=True)
class Held:
    """A right that is held. `fence` names it among all databases; a later taking of it has a greater `epoch`."""

    fence: str
    epoch: int
    connection: "asyncpg.Connection[Any]"
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def listen(self, channel: str, wake: Callable[[], None]) -> None:
        """Be woken by what is notified on a channel, as long as the right is held."""
        async with self._turn:
            await self.connection.add_listener(channel, lambda *_: wake())

    async def beat(self) -> None:
        """Be heard of, until the right is gone; then raise."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            async with self._turn:
                await self.connection.fetchval("SELECT 1")


async def work_alone(system_url: str, right: Right, work: Callable[[Held], Awaitable[None]]) -> None:
    """Do what only one may, until cancelled, and begin anew when its surroundings failed or the right is gone."""
    dsn = system_url.replace("postgresql+asyncpg://", "postgresql://")
    while True:
        try:
            held = await _acquire(dsn, right)
            try:
                await _while_held(held, work)
            finally:
                held.connection.terminate()
        except LOST as lost:
            log.warning("work that one does alone starts over", right=right.name, error=repr(lost))
        await asyncio.sleep(RESTART_SECONDS)


async def _while_held(held: Held, work: Callable[[Held], Awaitable[None]]) -> None:
    tasks = [asyncio.ensure_future(work(held)), asyncio.ensure_future(held.beat())]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(tasks)
    for task in ended:
        task.result()


async def _acquire(dsn: str, right: Right) -> Held:
    """Wait until nobody else holds a right."""
    connection = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_SECONDS, command_timeout=COMMAND_TIMEOUT_SECONDS)
    try:
        await connection.execute(f"SET idle_session_timeout = '{SILENCE_SECONDS_MAX}s'")
        # asking again and again is what lets a cancelled wait end
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", right):  # noqa: ASYNC110 - no event for it
            await asyncio.sleep(RETRY_SECONDS)
        # transactions are numbered in the order of their beginning, in a cluster's whole life
        epoch = int(await connection.fetchval("SELECT pg_current_xact_id()::text::bigint"))
        database = await connection.fetchval("SELECT current_database()::text")
    except BaseException:
        connection.terminate()
        raise
    return Held(f"{database}.{right.name.lower()}", epoch, connection)

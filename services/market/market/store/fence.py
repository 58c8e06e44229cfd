"""Writes to Redis that only the newest holder of a right can make.

A key holds the epoch of that holder. Every write is a transaction under WATCH of it, and watches it again in the same
round trip, so a fenced write costs what an unfenced one does. Redis allows us no scripts (docs/decisions/0147).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from redis.asyncio import Connection, Redis
from redis.exceptions import RedisError

SHARED = "a price is the same for every user"

KEY: Final = "realtime.epoch"
TRIES_MAX: Final = 3

Command = tuple[str, ...]


class Superseded(RedisError):
    """Somebody else has the right by now."""


class Fence:
    """Writes as the holder of one epoch. One write at a time; it owns a connection until `close`."""

    def __init__(self, cache: Redis, name: str, epoch: int) -> None:
        self._pool = cache.connection_pool
        self._key = f"{KEY}:{name}"
        self._epoch = epoch
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None

    async def begin(self) -> None:
        """Shut out whoever held the right before.

        Raises:
            Superseded: when it is us who are shut out.
        """
        async with self._turn:
            await self._guarded(())

    async def write(self, commands: Sequence[Command]) -> None:
        """Do all of these, or none.

        Raises:
            Superseded: when somebody else has begun; nothing was written.
            RedisError: when it is not known whether they were done, or Redis is away.
        """
        async with self._turn:
            await self._guarded(commands)

    async def close(self) -> None:
        """Give the connection back."""
        async with self._turn:
            await self._let_go()

    async def _guarded(self, commands: Sequence[Command]) -> None:
        try:
            for _ in range(TRIES_MAX):
                connection = await self._watching()
                if not commands or await self._done(connection, commands):
                    return
                await self._let_go()  # the key was touched: by a successor, or because Redis lost it
        except BaseException:
            await self._let_go()
            raise
        raise Superseded(f"{self._key} does not come to rest")

    async def _watching(self) -> Connection:
        """A connection that watches the key, which holds our epoch."""
        if self._connection is not None:
            return self._connection
        connection: Connection = await self._pool.get_connection()  # type: ignore[no-untyped-call]
        self._connection = connection
        for _ in range(TRIES_MAX):
            _, current = await _ask(connection, ("WATCH", self._key), ("GET", self._key))
            if current is not None and int(current) > self._epoch:
                raise Superseded(f"{self._key} is {current}, and we are of {self._epoch}")
            if current is not None and int(current) == self._epoch:
                return connection
            await _ask(connection, ("MULTI",), ("SET", self._key, str(self._epoch)), ("EXEC",))
        raise Superseded(f"{self._key} does not come to rest")

    async def _done(self, connection: Connection, commands: Sequence[Command]) -> bool:
        replies = await _ask(connection, ("MULTI",), *commands, ("EXEC",), ("WATCH", self._key), ("GET", self._key))
        done, current = replies[-3], replies[-1]
        if current != str(self._epoch):
            await self._let_go()
        return done is not None

    async def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(RedisError, OSError):
                await connection.disconnect(nowait=True)  # whatever it watches, or has not read yet, goes with it
            await self._pool.release(connection)


@asynccontextmanager
async def fenced(cache: Redis, name: str, epoch: int) -> AsyncIterator[Fence]:
    """Begin an epoch, and write in it.

    Raises:
        Superseded: when a later one has begun.
    """
    fence = Fence(cache, name, epoch)
    try:
        await fence.begin()
        yield fence
    finally:
        await fence.close()


async def _ask(connection: Connection, *commands: Command) -> list[Any]:
    """Send commands in one packet and read their replies; the first that is an error is raised."""
    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
    return [await connection.read_response() for _ in commands]

"""Turns of a key's calls, shared by every process through Redis: one schedule, in Redis's own time; and one breaker.

A schedule is a name that lives until the next free turn. Whoever finds none makes it, which takes one round trip; the
others queue behind it. Scripts are forbidden to us there, so they do it by a transaction that fails when somebody else
queued meanwhile, and is tried again. Without Redis each process falls back to turns of its own: two of them may be too
many together, which the broker says itself, and an order that is turned away was certainly not sent.
"""

from contextlib import suppress
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError, WatchError

from broker.adapters.port import NotSent

TRIES_MAX: Final = 50


class SharedTurns:
    """Where the processes agree on who is next."""

    def __init__(self, cache: "Redis") -> None:
        self._cache = cache

    async def wait_seconds(self, key_print: bytes, interval: float, patience: float) -> float | None:
        """How long until a turn that is ours now; a negative number when it would be too far off; None: ask no one.

        Args:
            key_print: what stands for the key.
            interval: seconds between two calls of it.
            patience: seconds that may pass until the turn.

        Raises:
            NotSent: when some process has said that this key's broker is to be left alone.
        """
        for _ in range(TRIES_MAX):
            try:
                return await self._take(key_print, max(1, int(interval * 1000)), int(patience * 1000)) / 1000
            except WatchError:
                continue
            except (RedisError, OSError):
                return None
        return -1.0

    async def leave_alone(self, key_print: bytes, trouble: str, milliseconds: int) -> None:
        """Tell every process to leave this key's broker alone for so long; without Redis each finds out for itself."""
        with suppress(RedisError, OSError):
            await self._cache.set(_left_alone(key_print), trouble, px=milliseconds)

    async def _take(self, key_print: bytes, interval: int, patience: int) -> int:
        """A turn, once tried, in milliseconds; WatchError when somebody was faster."""
        name = f"broker:turns:{key_print.hex()}"
        async with self._cache.pipeline() as pipe:
            pipe.set(name, "", nx=True, px=interval)
            pipe.get(_left_alone(key_print))
            is_free, trouble = await pipe.execute()
        if trouble is not None:
            said = trouble.decode() if isinstance(trouble, bytes) else trouble
            raise NotSent(f"the broker is left alone for a while, after a {said}")
        return 0 if is_free else await self._queue(name, interval, patience)

    async def _queue(self, name: str, interval: int, patience: int) -> int:
        """The turn behind those who wait already."""
        async with self._cache.pipeline() as pipe:
            await pipe.watch(name)
            wait = max(0, await pipe.pttl(name))
            if wait > patience:
                return -1000
            pipe.multi()  # type: ignore[no-untyped-call]
            pipe.set(name, "", px=wait + interval)
            await pipe.execute()
            return wait


def _left_alone(key_print: bytes) -> str:
    return f"broker:left_alone:{key_print.hex()}"

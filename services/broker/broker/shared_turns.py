"""Turns of a key's calls, shared by every process through Redis: one schedule, in Redis's own time.

Scripts are forbidden to us there, so a turn is taken by a transaction that fails when somebody else took one meanwhile,
and is tried again. Without Redis each process falls back to turns of its own: two of them may together be too many,
which the broker says itself, and an order that is turned away was certainly not sent.
"""

from typing import Final

from redis.asyncio import Redis
from redis.exceptions import RedisError, WatchError

TRIES_MAX: Final = 50
KEPT_MILLISECONDS: Final = 1_000
"""How long a schedule is remembered after its last turn."""


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
        """
        name = f"broker:turns:{key_print.hex()}"
        for _ in range(TRIES_MAX):
            try:
                return await self._take(name, int(interval * 1000), int(patience * 1000)) / 1000
            except WatchError:
                continue
            except (RedisError, OSError):
                return None
        return -1.0

    async def _take(self, name: str, interval: int, patience: int) -> int:
        """The same, once, in milliseconds; WatchError when somebody was faster."""
        async with self._cache.pipeline() as pipe:
            await pipe.watch(name)
            seconds, micros = await pipe.time()
            now = int(seconds) * 1000 + int(micros) // 1000
            due = max(int(await pipe.get(name) or 0), now)
            wait = due - now
            if wait > patience:
                return -1000
            pipe.multi()  # type: ignore[no-untyped-call]
            pipe.set(name, due + interval, px=wait + interval + KEPT_MILLISECONDS)
            await pipe.execute()
            return wait

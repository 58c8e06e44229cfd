"""A value that another service owns, kept in this process for a few seconds and read again when asked for."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

RETRY_SECONDS = 1.0
READ_SECONDS_MAX = 3.0

Value = TypeVar("Value")

log = structlog.get_logger()


class Kept(Generic[Value]):
    """Nothing runs while nobody asks, and who asks seldom waits: what is a little old is renewed behind the answer."""

    def __init__(self, read: Callable[[], Awaitable[Value]], fresh_seconds: float, wait_seconds: float) -> None:
        """Keep what `read` returns: renewed after `fresh_seconds`, waited for after `wait_seconds`."""
        self._read = read
        self._fresh_seconds = fresh_seconds
        self._wait_seconds = wait_seconds
        self._value: Value | None = None
        self._read_at = self._tried_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    @property
    def age(self) -> float:
        """Seconds since the value was true; infinite before the first one came."""
        return time.monotonic() - self._read_at

    async def get(self, *, renewed: bool = False) -> Value | None:
        """Return the value, None before it was ever read; `renewed` waits for a newer one unless this one is fresh."""
        if self.age > self._fresh_seconds:
            failing = self._tried_at > self._read_at
            reading = self._reading is not None and not self._reading.done()
            if not reading and time.monotonic() - self._tried_at > (RETRY_SECONDS if failing else 0):
                self._reading = asyncio.create_task(self._renew(), name="renewing what is kept")
            if self._reading is not None and (
                self._value is None or renewed or (self.age > self._wait_seconds and not failing)
            ):
                await asyncio.shield(self._reading)
        return self._value

    async def _renew(self) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(READ_SECONDS_MAX):
                self._value = await self._read()
            self._read_at = self._tried_at = began
        except Exception as failed:  # noqa: BLE001 - whatever went wrong, the old value is what there is
            self._tried_at = began
            log.warning("not renewed", error=repr(failed))

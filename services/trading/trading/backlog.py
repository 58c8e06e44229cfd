"""Back-pressure from behind: accepted orders that no broker has said a word about yet hold up those that come.

Accepting is a small part of the work on an order. When more are accepted than are worked off, each waits longer than
the one before, until whole accounts are full of open orders. So the worker tells how far it has come, by when the order
was made whose first word was booked last; and whoever accepts counts what it has accepted since. While that is too
much, nothing more is begun, and who asks is told to come again.

Only a worker that gets on holds anybody up. When nothing was heard of it for some seconds (it is down, or the bus, or
all brokers), orders are accepted and wait, as they should; so they are when Redis has lost what is told here.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from trading.domain.order import Order

KEY: Final = "trading:worked-off"
TELL_SECONDS: Final = 0.25
GETS_ON_SECONDS: Final = 3.0
"""So long what was told holds: a worker that is slower than this over one order is as good as down."""
REMEMBERED_MAX: Final = 100_000

log = structlog.get_logger()

Read = Callable[[], Awaitable[datetime | None]]


class Reached:
    """How far this process has come: when the newest order was made that a broker has said something about."""

    def __init__(self) -> None:
        self.made_at: datetime | None = None
        self.moved: asyncio.Event | None = None

    def note(self, order: Order) -> None:
        """A broker's first word about an order was booked."""
        if self.made_at is None or order.created_at > self.made_at:
            self.made_at = order.created_at
            if self.moved is not None:
                self.moved.set()


reached: Final = Reached()
"""Of this process, as its metrics are."""


class Progress:
    """What the worker tells of how far it has come, and what others read of it."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    async def tell_forever(self) -> None:
        """Tell it a few times a second while it changes."""
        reached.moved = asyncio.Event()
        while True:
            await reached.moved.wait()
            reached.moved.clear()
            if reached.made_at is not None:
                await self.tell(reached.made_at)
            await asyncio.sleep(TELL_SECONDS)

    async def tell(self, made_at: datetime) -> None:
        """Tell it once; it is forgotten soon."""
        try:
            await self._redis.set(KEY, made_at.isoformat(), px=int(GETS_ON_SECONDS * 1_000))
        except (RedisError, OSError, TimeoutError) as away:
            log.warning("how far the worker has come was not told", error=repr(away))

    async def read(self) -> datetime | None:
        """Return when the order was made that was reached; None when nothing was told lately."""
        try:
            told = await self._redis.get(KEY)
            return None if told is None else datetime.fromisoformat(str(told))
        except (RedisError, OSError, TimeoutError, ValueError):
            return None


async def _nothing() -> None:
    """Nobody tells anything."""


@dataclass(slots=True)
class Backlog:
    """What this process has accepted and nobody has heard about yet."""

    read: Read = _nothing
    most: int = REMEMBERED_MAX
    """How much of it there may be."""
    gets_on: bool = False
    made_at: deque[datetime] = field(default_factory=lambda: deque(maxlen=REMEMBERED_MAX))
    looking: "asyncio.Task[None] | None" = None

    def add(self, order: Order) -> None:
        """An order was accepted, and is on its way to a broker."""
        self.made_at.append(order.created_at)
        if len(self.made_at) > self.most and (self.looking is None or self.looking.done()):
            self.looking = asyncio.create_task(self._look(), name="backlog")

    @property
    def too_many(self) -> int:
        """How many orders wait, when they are too many and are being worked off; else nothing."""
        return len(self.made_at) if self.gets_on and len(self.made_at) > self.most else 0

    @asynccontextmanager
    async def watching(self, progress: Progress | None) -> AsyncIterator[None]:
        """Know meanwhile what the worker tells."""
        if progress is not None:
            self.read = progress.read
        try:
            yield
        finally:
            if self.looking is not None:
                self.looking.cancel()
                await asyncio.wait([self.looking])

    async def _look(self) -> None:
        while len(self.made_at) > self.most:
            until = await self.read()
            self.gets_on = until is not None
            while until is not None and self.made_at and self.made_at[0] <= until:
                self.made_at.popleft()
            if len(self.made_at) > self.most:
                await asyncio.sleep(TELL_SECONDS)

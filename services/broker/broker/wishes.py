"""Which symbols are wanted: the operator's own, those with open orders at the simulator, and what others wish for.

Market publishes what its clients watch, trading what orders and automations need, notification what alerts wait for,
each every few seconds. Who says nothing any more wants nothing.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

import structlog
from pydantic import BaseModel, Field, ValidationError
from quant.markets.listing import Market
from quant.markets.symbols import SYMBOL_TEXT_MAX, is_index, normalise
from redis.asyncio import Redis
from redis.exceptions import RedisError

from broker.tasks import stop_if_cancelled

WANTED: Final = "feed.wanted"
WISHES_LAST: Final = timedelta(seconds=10)
SYMBOLS_MAX: Final = 1_000
CLIENTS_MAX: Final = 1_000_000
LISTEN_SECONDS: Final = 1.0
RESTART_SECONDS: Final = 1.0

log = structlog.get_logger()


class Wanted(BaseModel):
    """What one process wishes for, and how many clients, orders, automations or alerts of it wish for each symbol."""

    process: Annotated[str, Field(max_length=36)]
    watched: Annotated[
        dict[Annotated[str, Field(max_length=SYMBOL_TEXT_MAX)], Annotated[int, Field(ge=1, le=CLIENTS_MAX)]],
        Field(max_length=SYMBOLS_MAX),
    ]


class Wishes:
    """What is wanted of one market."""

    def __init__(
        self,
        cache: "Redis",
        market: Market,
        clock: Callable[[], datetime],
        *,
        pinned: Sequence[str],
        ordered: Callable[[], Awaitable[Collection[str]]],
    ) -> None:
        """`pinned` are always wanted; `ordered` asks for the symbols with open orders at the simulator."""
        self._cache = cache
        self._market = market
        self._clock = clock
        self._pinned = pinned
        self._ordered = ordered
        self._told: dict[str, tuple[datetime, dict[str, int]]] = {}

    async def hear(self) -> None:
        """Hear wishes for ever, through every restart of Redis."""
        while True:
            try:
                await self._hear()
            except (RedisError, OSError, TimeoutError) as lost:
                log.warning("wishes are not heard", error=repr(lost))
            stop_if_cancelled()
            await asyncio.sleep(RESTART_SECONDS)

    async def _hear(self) -> None:
        async with self._cache.pubsub(ignore_subscribe_messages=True) as channel:
            await channel.subscribe(WANTED)
            while True:
                stop_if_cancelled()
                message = await channel.get_message(timeout=LISTEN_SECONDS)
                if message is not None:
                    self._take(message["data"])

    def _take(self, text: str | bytes) -> None:
        try:
            wanted = Wanted.model_validate_json(text)
        except ValidationError as unreadable:
            log.warning("a wish cannot be read", error=str(unreadable))
            return
        self._told[wanted.process] = (self._clock(), wanted.watched)

    async def ranked(self, followed: Collection[str]) -> list[str]:
        """All that is wanted, the most wanted first; of two that as many want, the one that is followed."""
        since = self._clock() - WISHES_LAST
        self._told = {process: told for process, told in self._told.items() if told[0] >= since}
        watched: Counter[str] = Counter()
        for _, counts in self._told.values():
            watched.update(counts)
        people = sorted(watched, key=lambda symbol: (-watched[symbol], symbol not in followed, symbol))
        wanted = dict.fromkeys([*self._pinned, *sorted(await self._ordered()), *people])
        return [symbol for symbol in wanted if self._is_here(symbol)]

    def _is_here(self, symbol: str) -> bool:
        try:
            return normalise(symbol).market == self._market and not is_index(symbol)
        except ValueError:
            return False

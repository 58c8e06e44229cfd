"""Live prices: hears what a broker's feed shows, over `feed.told`, and makes the platform's quotes of it.

One worker at a time does it, by the same right as the roller. The feed tells everything each time, so there is nothing
to take over from a predecessor, and what is lost is told again within a second. While a symbol is replayed, its quotes
are the replay's.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from kit.db import Database
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis

from market import lease
from market.domain.instrument import Instrument
from market.domain.live import Shown, deep_book_of, quote_of
from market.domain.quote import trade_of
from market.store import instruments, quotes, replays
from market.store.fence import Fence, fenced

CHANNEL: Final = "feed.told"
LOOK_SECONDS: Final = 1.0
KNOWN_FOR: Final = timedelta(minutes=1)
"""How long what we know of an instrument, or that there is none, is not read again."""

_SHOWN: Final = TypeAdapter(Shown)

log = structlog.get_logger()


class LivePrices:
    """The quotes of all symbols that a feed shows."""

    def __init__(self, database: Database, cache: Redis, system_url: str, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._cache = cache
        self._system_url = system_url
        self._clock = clock
        self._known: dict[str, tuple[datetime, Instrument | None]] = {}

    async def run(self) -> None:
        """Hear until cancelled, through every restart of the database and of Redis."""
        await lease.work_alone(self._system_url, lease.Right.TELL_LIVE_PRICES, self._hear_alone)

    async def _hear_alone(self, held: lease.Held) -> None:
        async with (
            fenced(self._cache, held.fence, held.epoch) as fence,
            self._cache.pubsub(ignore_subscribe_messages=True) as feed,
        ):
            await feed.subscribe(CHANNEL)
            log.info("live prices are heard", epoch=held.epoch)
            while True:
                replayed = await self._replayed()
                until = asyncio.get_running_loop().time() + LOOK_SECONDS
                while (left := until - asyncio.get_running_loop().time()) > 0:
                    if (message := await feed.get_message(timeout=left)) is not None:
                        await self._hear(fence, message["data"], replayed)

    async def _replayed(self) -> frozenset[str]:
        async with self._database.system() as session:
            return frozenset(symbol for replay in await replays.list_active(session) for symbol in replay.symbols)

    async def _hear(self, fence: Fence, text: str | bytes, replayed: frozenset[str]) -> None:
        try:
            shown = _SHOWN.validate_json(text)
        except ValidationError as unreadable:
            log.warning("what a feed tells cannot be read", error=str(unreadable))
            return
        if shown.symbol in replayed:
            return
        moment = self._clock()
        instrument = await self._instrument(shown.symbol, moment)
        timestamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        quote = None if instrument is None else quote_of(shown, instrument, moment, timestamp)
        if quote is None:
            return
        trades = [trade_of(quote, shown.traded)] if shown.traded else []
        books = [deep_book_of(shown, timestamp)] if shown.with_book else []
        await quotes.save(fence, [quote], trades, books)

    async def _instrument(self, symbol: str, moment: datetime) -> Instrument | None:
        """Who a symbol is; nobody's prices are told whom market does not know."""
        read_at, known = self._known.get(symbol, (None, None))
        if read_at is not None and moment - read_at < KNOWN_FOR:
            return known
        async with self._database.system() as session:
            found = await instruments.find(session, symbol)
        self._known[symbol] = (moment, found)
        return found

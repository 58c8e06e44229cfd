"""The simulator's feed: brings new quotes of symbols with open orders to the exchange, the newest of each first.

Messages on `market:{symbol}` are a hint, as Redis may lose them; the keys `realtime:{symbol}` are the truth and are
read again every second. Quotes that pile up conflate: only the newest of a symbol is matched. Symbols without open
orders are not listened to and cost no query.
"""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Final

import structlog
from kit.errors import Unavailable
from redis.asyncio import Redis
from redis.exceptions import RedisError

from broker.adapters.simulator.connector import Simulator
from broker.adapters.simulator.quotes import quote_channel, quote_key, read_quote
from broker.tasks import stop_if_cancelled

if TYPE_CHECKING:
    from redis.asyncio.client import PubSub

REFRESH_SECONDS: Final = 1
LISTEN_SECONDS: Final = 0.1
RESTART_SECONDS_MAX: Final = 5.0

log = structlog.get_logger()


class QuoteFeed:
    """Feeds one simulator. One at a time is enough; several do no harm, as every match holds its symbol's lock."""

    def __init__(self, simulator: Simulator, cache: "Redis") -> None:
        self._simulator = simulator
        self._cache = cache
        self._newest: dict[str, str | bytes] = {}
        self._matched: dict[str, datetime] = {}
        self._arrived = asyncio.Event()

    async def run(self) -> None:
        """Feed until cancelled; start over when Redis or the books go away."""
        pause = 0.1
        while True:
            try:
                await asyncio.create_task(self._feed())
            except* (RedisError, Unavailable, OSError) as lost:
                log.warning("the simulator's feed starts over", error=repr(lost.exceptions))
            stop_if_cancelled()
            await asyncio.sleep(pause)
            pause = min(pause * 2, RESTART_SECONDS_MAX)

    async def _feed(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._refresh_forever())
            group.create_task(self._listen_forever())
            group.create_task(self._match_forever())

    async def _refresh_forever(self) -> None:
        """Learn which symbols have open orders, and read their quotes: nothing that Redis dropped stays missed."""
        while True:
            await self._simulator.refresh_open_symbols()
            watched = sorted(self._simulator.open_symbols)
            self._matched = {symbol: moment for symbol, moment in self._matched.items() if symbol in watched}
            await self._fetch(watched)
            await asyncio.sleep(REFRESH_SECONDS)

    async def _fetch(self, symbols: list[str]) -> None:
        if not symbols:
            return
        texts = await self._cache.mget([quote_key(symbol) for symbol in symbols])
        for symbol, text in zip(symbols, texts, strict=True):
            if text is not None:
                self._arrive(symbol, text)

    async def _listen_forever(self) -> None:
        async with self._cache.pubsub(ignore_subscribe_messages=True) as channels:
            heard: set[str] = set()
            while True:
                heard = await self._follow(channels, heard)
                if not heard:
                    await asyncio.sleep(LISTEN_SECONDS)
                    continue
                message = await channels.get_message(timeout=LISTEN_SECONDS)
                if message is not None:
                    self._arrive(message["channel"].partition(":")[2], message["data"])

    async def _follow(self, channels: "PubSub", heard: set[str]) -> set[str]:
        """Listen to exactly the symbols with open orders. What was published before we listened is fetched."""
        wanted = set(self._simulator.open_symbols)
        if gone := heard - wanted:
            await channels.unsubscribe(*map(quote_channel, gone))
        if new := wanted - heard:
            await channels.subscribe(*map(quote_channel, new))
            await self._fetch(sorted(new))
        return wanted

    def _arrive(self, symbol: str, text: str | bytes) -> None:
        self._newest[symbol] = text
        self._arrived.set()

    async def _match_forever(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._newest:
                symbol = next(iter(self._newest))
                await self._match(symbol, self._newest.pop(symbol))

    async def _match(self, symbol: str, text: str | bytes) -> None:
        quote = read_quote(text)
        if quote is None or quote.symbol != symbol:
            return
        if (last := self._matched.get(symbol)) is not None and quote.timestamp <= last:
            return
        await self._simulator.apply(quote)
        self._matched[symbol] = quote.timestamp

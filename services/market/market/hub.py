"""The hub: hears every quote of Redis once per process, and hands it to the clients that watch its symbol.

Each client has a bounded queue in which a newer quote replaces one that still waits, so a slow client costs little and
delays nobody. The text that came from Redis is what is sent: it is made once, whoever watches.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from uuid import UUID

import structlog
from kit.websocket import ClientQueue
from redis.asyncio import Redis
from redis.exceptions import RedisError

from market.store import quotes

CLIENTS_PER_USER_MAX = 5
SYMBOLS_PER_CLIENT_MAX = 500
LISTEN_SECONDS = 5.0
RESTART_SECONDS = 0.5

log = structlog.get_logger()


class Client:
    """One connection and what it watches."""

    def __init__(self, user_id: UUID, queue: ClientQueue) -> None:
        self.user_id = user_id
        self.queue = queue
        self.symbols: set[str] = set()


class QuoteHub:
    """All connections of this process."""

    def __init__(self, cache: Redis) -> None:
        self._cache = cache
        self._watchers: defaultdict[str, set[Client]] = defaultdict(set)
        self._clients_of: Counter[UUID] = Counter()
        self._heard: Counter[str] = Counter()

    def admit(self, user_id: UUID, queue: ClientQueue) -> Client | None:
        """Take a client in; None when its user has as many as allowed."""
        if self._clients_of[user_id] >= CLIENTS_PER_USER_MAX:
            return None
        self._clients_of[user_id] += 1
        return Client(user_id, queue)

    def dismiss(self, client: Client) -> None:
        """Forget a client that has left."""
        self.unwatch(client, set(client.symbols))
        self._clients_of[client.user_id] -= 1
        if not self._clients_of[client.user_id]:
            del self._clients_of[client.user_id]

    async def watch(self, client: Client, symbols: set[str]) -> None:
        """Begin to send these symbols, first as they stand now."""
        heard_before = {symbol: self._heard[symbol] for symbol in symbols}
        client.symbols |= symbols
        for symbol in symbols:
            self._watchers[symbol].add(client)
        for symbol, text in await self._latest(symbols):
            # a quote that arrived while we asked is newer than the answer
            if symbol in client.symbols and self._heard[symbol] == heard_before[symbol]:
                client.queue.put(text, symbol)

    def unwatch(self, client: Client, symbols: set[str]) -> None:
        """Stop sending these symbols."""
        client.symbols -= symbols
        for symbol in symbols:
            watchers = self._watchers.get(symbol, set())
            watchers.discard(client)
            if not watchers:
                self._watchers.pop(symbol, None)

    async def run(self) -> None:
        """Hear quotes until cancelled; after every gap each watched symbol is sent as it stands."""
        while True:
            try:
                await self._hear()
            except (RedisError, OSError, TimeoutError) as lost:
                log.warning("hub listens again", error=repr(lost))
            await asyncio.sleep(RESTART_SECONDS)

    async def _hear(self) -> None:
        async with self._cache.pubsub() as feed:
            await feed.psubscribe(f"{quotes.CHANNEL_PREFIX}*")
            while True:
                message = await feed.get_message(timeout=LISTEN_SECONDS)
                if message is None:
                    continue
                if message["type"] == "pmessage":
                    self._deliver(message["channel"].removeprefix(quotes.CHANNEL_PREFIX), message["data"])
                else:
                    # the subscription stands, for the first time or after redis-py has silently connected again
                    await self._repeat_all()

    async def _repeat_all(self) -> None:
        for symbol, text in await self._latest(set(self._watchers)):
            self._deliver(symbol, text)

    async def _latest(self, symbols: set[str]) -> Iterable[tuple[str, str]]:
        ordered = sorted(symbols)
        try:
            texts = await quotes.list_latest(self._cache, ordered)
        except (RedisError, OSError) as away:
            log.warning("no snapshot", error=repr(away))
            return []
        return [(symbol, text) for symbol, text in zip(ordered, texts, strict=True) if text is not None]

    def _deliver(self, symbol: str, text: str) -> None:
        watchers = self._watchers.get(symbol)
        if watchers is None:
            return
        self._heard[symbol] += 1
        for client in watchers:
            client.queue.put(text, symbol)

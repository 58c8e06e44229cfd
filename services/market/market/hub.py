"""The hub: hears every message of Redis once per process, and hands it to the clients that watch its symbol.

Each client has a bounded queue in which a newer quote, book or forming bar replaces one that still waits, so a slow
client costs little and delays nobody; trades and closed bars are never left out, and who cannot keep up with them is
let go. The text that came from Redis is what is sent: its frame is made once, whoever watches.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable
from uuid import UUID

import structlog
from kit.frames import frame
from kit.websocket import ClientQueue
from redis.asyncio import Redis
from redis.exceptions import RedisError

from market.seats import Seats
from market.store import quotes
from market.store.quotes import Channel

SYMBOLS_PER_CLIENT_MAX = 500
LISTEN_SECONDS = 5.0
RESTART_SECONDS = 0.5

log = structlog.get_logger()

_CHANNEL_OF = {prefix: channel for channel, prefix in quotes.PUBLISHED.items()}
_LAST = list(_CHANNEL_OF)[-1]


Topic = tuple[Channel, str]
"""A channel and a symbol."""


class Client:
    """One connection and what it watches."""

    def __init__(self, user_id: UUID, seat: str, queue: ClientQueue) -> None:
        self.user_id = user_id
        self.seat = seat
        self.queue = queue
        self.watched: set[Topic] = set()


class QuoteHub:
    """All connections of this process."""

    def __init__(self, cache: Redis) -> None:
        self._cache = cache
        self._watchers: defaultdict[Topic, set[Client]] = defaultdict(set)
        self._heard: Counter[Topic] = Counter()
        self._owed: set[Topic] = set()
        self._seats = Seats(cache)

    async def admit(self, user_id: UUID, queue: ClientQueue) -> Client | None:
        """Take a client in; None when its user has as many as allowed, over all processes."""
        seat = await self._seats.take(user_id)
        return None if seat is None else Client(user_id, seat, queue)

    async def dismiss(self, client: Client) -> None:
        """Forget a client that has left."""
        self.unwatch(client, set(client.watched))
        await self._seats.leave(client.user_id, client.seat)

    async def watch(self, client: Client, topics: set[Topic]) -> None:
        """Begin to send these, first as they stand now."""
        client.watched |= topics
        for topic in topics:
            self._watchers[topic].add(client)
        for topic, text in await self._still_newest(topics):
            if topic in client.watched:
                client.queue.put(frame(text), _key(topic, text))

    def unwatch(self, client: Client, topics: set[Topic]) -> None:
        """Stop sending these."""
        client.watched -= topics
        for topic in topics:
            watchers = self._watchers.get(topic, set())
            watchers.discard(client)
            if not watchers:
                self._watchers.pop(topic, None)

    def watched(self) -> dict[str, int]:
        """How many clients watch each symbol here, in the channel where most do."""
        clients: Counter[str] = Counter()
        for (_, symbol), watchers in self._watchers.items():
            clients[symbol] = max(clients[symbol], len(watchers))
        return clients

    async def run(self) -> None:
        """Hear quotes until cancelled; after every gap each watched symbol is sent as it stands."""
        await asyncio.gather(self._listen(), self._pay(), self._seats.keep())

    async def _listen(self) -> None:
        while True:
            try:
                await self._hear()
            except (RedisError, OSError, TimeoutError) as lost:
                log.warning("hub listens again", error=repr(lost))
            await asyncio.sleep(RESTART_SECONDS)

    async def _hear(self) -> None:
        async with self._cache.pubsub() as feed:
            await feed.psubscribe(*(f"{prefix}:*" for prefix in quotes.PUBLISHED.values()))
            while True:
                message = await feed.get_message(timeout=LISTEN_SECONDS)
                if message is None:
                    continue
                if message["type"] == "pmessage":
                    prefix, _, symbol = message["channel"].partition(":")
                    self._deliver((_CHANNEL_OF[prefix], symbol), message["data"])
                elif message["channel"].startswith(_LAST):
                    # the subscription stands, for the first time or after redis-py has silently connected again
                    await self._repeat_all()

    async def _repeat_all(self) -> None:
        for topic, text in await self._latest(set(self._watchers)):
            self._deliver(topic, text)

    async def _pay(self) -> None:
        """Send what could not be read when it was asked for, as soon as it can."""
        while True:
            await asyncio.sleep(RESTART_SECONDS)
            owed, self._owed = self._owed & self._watchers.keys(), set()
            for topic, text in await self._still_newest(owed):
                self._deliver(topic, text)

    async def _still_newest(self, topics: set[Topic]) -> Iterable[tuple[Topic, str]]:
        """How these stand, without those of which something came while we asked: that is newer than the answer."""
        heard_before = {topic: self._heard[topic] for topic in topics}
        found = await self._latest(topics)
        return [(topic, text) for topic, text in found if self._heard[topic] == heard_before[topic]]

    async def _latest(self, topics: set[Topic]) -> Iterable[tuple[Topic, str]]:
        ordered = sorted(topic for topic in topics if topic[0] in quotes.KEPT)
        try:
            texts = await quotes.list_kept(self._cache, ordered)
        except (RedisError, OSError) as away:
            log.warning("no snapshot", error=repr(away))
            self._owed |= topics
            return []
        return [(topic, text) for topic, text in zip(ordered, texts, strict=True) if text is not None]

    def _deliver(self, topic: Topic, text: str) -> None:
        watchers = self._watchers.get(topic)
        if watchers is None:
            return
        self._heard[topic] += 1
        ready, key = frame(text), _key(topic, text)
        for client in watchers:
            client.queue.put(ready, key)


def _key(topic: Topic, text: str) -> str | None:
    """Under which a message waits where only the newest matters; None when each has to arrive."""
    replaceable = topic[0] in quotes.KEPT and quotes.CLOSED not in text
    return f"{topic[0]}:{topic[1]}" if replaceable else None

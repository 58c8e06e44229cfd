"""Hints through Redis: "look into the table", or what there is to see.

The table remains the truth, so a lost hint costs a second and nothing else.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from kit.json import Fragment, dumps_text, loads
from kit.observe import log
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from notification.domain.owner import OwnerId
from notification.store.stream import Numbered

ACCOUNTS = "account:"
ALERTS = "alerts:"
QUOTES = "market:"
WANTED = "feed.wanted"
ENTRIES_MAX = 200
LENGTH_MAX = 65_536
"""A hint that would carry more only says that there is something to see: the table tells it as well."""
WAITING_MAX = 500
"""Hints that wait for Redis; of more than that the oldest are lost."""
CONNECT_SECONDS_MAX = 2
QUIET_SECONDS = 5
"""After this much silence the connection is asked whether it still lives."""
PAUSE_SECONDS_FIRST = 0.1
PAUSE_SECONDS_MAX = 2.0


class Hints:
    """Sends hints after a commit: never waits for Redis, never fails; what cannot be sent is forgotten."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._waiting: deque[tuple[str, str]] = deque(maxlen=WAITING_MAX)
        self._due = asyncio.Event()

    def owner_was_told(self, owner: OwnerId, entries: Sequence[Numbered]) -> None:
        """Give the hubs what was appended to an owner's stream, or let them look when that is too much."""
        self._send(f"{ACCOUNTS}{owner}", write_hint(entries))

    def alerts_have_changed(self, symbol: str) -> None:
        """Let the watchers look at the alerts of a symbol."""
        self._send(f"{ALERTS}{symbol}", "")

    def prices_are_wanted(self, symbols: Mapping[str, int]) -> None:
        """Say to whoever brings live prices which symbols alerts wait for, and how many on each."""
        self._send(WANTED, dumps_text({"process": "alerts", "watched": symbols}))

    def _send(self, channel: str, text: str) -> None:
        self._waiting.append((channel, text))
        self._due.set()

    @property
    def waiting(self) -> int:
        """How many hints have not been sent yet."""
        return len(self._waiting)

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._due.wait()
            self._due.clear()
            try:
                while self._waiting:
                    await self._redis.publish(*self._waiting.popleft())
            except (RedisError, OSError) as lost:
                log.warning("hints lost, the tables are looked at anyway", hints=self.waiting + 1, error=repr(lost))
                self._waiting.clear()


def write_hint(entries: Sequence[Numbered]) -> str:
    """Write entries as a hint: `[[41,"order",{…}],…]`, or nothing when they are too much for one."""
    if len(entries) > ENTRIES_MAX or sum(len(entry.data) for entry in entries) > LENGTH_MAX:
        return ""
    return dumps_text([(entry.seq, entry.type, Fragment(entry.data)) for entry in entries])


def read_hint(text: str) -> list[Numbered]:
    """Read what a hint carries; nothing when it only says "look", or makes no sense."""
    try:
        return [Numbered(int(seq), str(kind), dumps_text(data)) for seq, kind, data in loads(text or "[]")]
    except (ValueError, TypeError) as unreadable:
        log.warning("a hint cannot be read, the table is looked at", error=str(unreadable))
        return []


@dataclass(frozen=True, slots=True)
class Heard:
    """A message on a channel."""

    channel: str
    text: str


async def listen(url: str, *patterns: str) -> AsyncGenerator[Heard | None, None]:
    """Listen to channels through every restart of Redis.

    Yields None each time it has begun to listen: what was said before went unheard, so look for yourself.
    """
    pause = PAUSE_SECONDS_FIRST
    while True:
        redis = Redis.from_url(
            url,
            decode_responses=True,
            socket_connect_timeout=CONNECT_SECONDS_MAX,
            socket_timeout=None,  # with one, the client's own waiting could swallow our cancellation
            socket_keepalive=True,
            health_check_interval=QUIET_SECONDS,
            retry=Retry(NoBackoff(), 0),  # a silent reconnection would hide that something went unheard
        )
        try:
            async with redis, redis.pubsub() as channels:
                await channels.psubscribe(*patterns)
                async for heard in _messages(channels, len(patterns)):
                    pause = PAUSE_SECONDS_FIRST
                    yield heard
        except (RedisError, OSError) as lost:
            log.warning("listening starts over", patterns=patterns, error=repr(lost))
        await asyncio.sleep(pause)
        pause = min(pause * 2, PAUSE_SECONDS_MAX)


async def _messages(channels: PubSub, unconfirmed: int) -> AsyncIterator[Heard | None]:
    while True:
        message = await channels.get_message(timeout=QUIET_SECONDS)
        if message is None:
            continue
        if message["type"] == "pmessage":
            yield Heard(message["channel"], message["data"])
        elif message["type"] == "psubscribe":
            unconfirmed -= 1
            if unconfirmed == 0:
                yield None

"""Rolls the quotes of Redis into minutes: one worker at a time, second by second.

The forming minutes are kept in Redis, where watchers read them and a successor takes them over; closed ones go into
the database together with the fact that they closed. When the database is away they wait, up to a bound. As it hears
every quote, it also notices when a feed falls silent.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime

import structlog
from kit.db import Database
from kit.json import loads
from kit.money import decimal_from
from prometheus_client import Gauge
from redis.asyncio import Redis

from market import lease
from market.domain.feed_watch import OWN_SESSIONS, FeedChange, FeedWatch
from market.domain.live import may_have_traded
from market.domain.minute import Minute, Roller, Tick
from market.store import quotes
from market.store.fence import Fence, fenced
from market.usecases.close_minutes import close_minutes
from market.usecases.record_feed_change import record_feed_change

FLUSH_SECONDS = 1.0
HEAR_SECONDS = 0.2
WAITING_MAX = 100_000
BATCH_MAX = 2_000

feed_heard = Gauge("feed_heard_timestamp_seconds", "When a quote of this feed last came", ["market", "source"])
feed_stalled = Gauge("feed_stalled", "1 while a feed is silent although its market is open", ["market", "source"])
minutes_waiting = Gauge("minutes_waiting", "Closed minutes that the database has not taken yet")

log = structlog.get_logger()


class MinuteRoller:
    """The minutes of all symbols that are quoted."""

    def __init__(self, database: Database, cache: Redis, system_url: str, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._cache = cache
        self._system_url = system_url
        self._clock = clock
        self._changed: dict[str, Minute] = {}
        self._waiting: list[Minute] = []
        self._watch = FeedWatch()
        self._told: list[FeedChange] = []

    async def run(self) -> None:
        """Roll until cancelled, through every restart of the database and of Redis."""
        await lease.work_alone(self._system_url, lease.Right.ROLL_MINUTES, self._roll_alone)

    async def _roll_alone(self, held: lease.Held) -> None:
        try:
            async with fenced(self._cache, held.fence, held.epoch) as fence, self._cache.pubsub() as feed:
                await feed.psubscribe(f"{quotes.PUBLISHED['quote']}:*")
                roller = Roller(await quotes.list_forming(self._cache))
                log.info("roller rolls", epoch=held.epoch)
                while True:
                    until = asyncio.get_running_loop().time() + FLUSH_SECONDS
                    while (left := until - asyncio.get_running_loop().time()) > 0:
                        message = await feed.get_message(
                            ignore_subscribe_messages=True, timeout=min(left, HEAR_SECONDS)
                        )
                        if message is not None:
                            self._hear(roller, message["data"])
                    await self._flush(roller, fence)
        finally:
            feed_heard.clear()  # whoever rolls next says how the feeds are
            feed_stalled.clear()

    def _hear(self, roller: Roller, text: str) -> None:
        try:
            quote = loads(text)
            tick = Tick(
                symbol=quote["symbol"],
                market=quote["market"],
                price=decimal_from(quote["price"]),
                total=int(quote["volume"]),
                at=datetime.fromisoformat(quote["timestamp"]),
                source=quote["source"],
            )
            session = quote["session"]
        except (ValueError, KeyError, TypeError) as unreadable:
            log.warning("a quote is left out of the minutes", error=repr(unreadable))
            return
        if (heard_again := self._watch.hear(tick.market, tick.source, session, self._clock())) is not None:
            self._told.append(heard_again)
        if tick.source not in OWN_SESSIONS and not may_have_traded(tick.market, tick.at):
            return  # what a feed shows at night traded before
        forming, ended = roller.take(tick)
        if not forming.closed:  # a quote that is repeated begins no minute: the one before was told when it closed
            self._changed[forming.symbol] = forming
        if ended is not None:
            self._waiting.append(ended)

    async def _flush(self, roller: Roller, fence: Fence) -> None:
        closed = roller.close_due(self._clock())
        for minute in closed:
            self._changed.pop(minute.symbol, None)
        self._waiting += closed
        if len(self._waiting) > WAITING_MAX:
            log.error("minutes are lost: the database has been away too long", lost=len(self._waiting) - WAITING_MAX)
            del self._waiting[:-WAITING_MAX]
        minutes_waiting.set(len(self._waiting))
        while batch := self._waiting[:BATCH_MAX]:
            async with self._database.system() as session:
                await close_minutes(session, batch)
            del self._waiting[: len(batch)]
            minutes_waiting.set(len(self._waiting))
            await quotes.save_minutes(fence, batch)
        await self._tell_of_feeds()
        changed, self._changed = list(self._changed.values()), {}
        if changed:
            await quotes.save_minutes(fence, changed)

    async def _tell_of_feeds(self) -> None:
        """Announce silences and their ends; while the database is away they wait."""
        moment = self._clock()
        self._told += self._watch.judge(moment)
        for feed, (heard_at, is_stalled) in self._watch.heard.items():
            feed_heard.labels(*feed).set(heard_at.timestamp())
            feed_stalled.labels(*feed).set(is_stalled)
        while self._told:
            log.warning("a feed has changed", **asdict(self._told[0]))
            async with self._database.system() as session:
                await record_feed_change(session, self._told[0], moment)
            del self._told[0]

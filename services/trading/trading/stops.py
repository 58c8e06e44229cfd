"""Watches the orders that wait for a price, in one worker at a time.

The watcher holds an advisory lock on a connection of its own and looks through it at what waits: when that connection
dies, another worker takes over. Two watchers would do no harm (an order is let go once, under its account's lock), but
one is enough. It hears every quote (`market:{symbol}`), and each second looks at the newest quotes themselves, so that
neither a lost message nor a restart lets a price pass unseen that still stands.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import asyncpg
import structlog
from kit.errors import AppError
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from trading.clients.quotes import CHANNELS, parse_quote
from trading.config import Settings
from trading.domain.quote import Quote
from trading.domain.request import OrderId
from trading.domain.stop import is_moved_by
from trading.resources import Resources
from trading.store import system
from trading.store.orders import Waiting
from trading.usecases.trigger_stop import trigger_stop

WAITING_MAX = 50_000
LOOK_SECONDS = 1.0
RETRY_SECONDS = 1.0
KEYS_SECONDS = 3600
LOCK_KEY = int.from_bytes(hashlib.sha256(b"trading stops").digest()[:8], "big", signed=True)

Clock = Callable[[], datetime]

log = structlog.get_logger()

OUTAGES = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, RedisError, AppError)
"""What the surroundings do to us: watching begins again. Anything else is the fault of one order or account."""


@contextmanager
def others_go_on(**whose: object) -> Iterator[None]:
    """Keep what one order or account does wrong from everybody else's."""
    try:
        yield
    except OUTAGES:
        raise
    except Exception:
        log.exception("one is left as it is, the others go on", **{key: str(value) for key, value in whose.items()})


class StopWatcher:
    """Lets stops go as soon as their price comes."""

    def __init__(self, settings: Settings, resources: Resources, clock: Clock) -> None:
        system_url = settings.system_database_url.get_secret_value()
        self._dsn = system_url.replace("postgresql+asyncpg://", "postgresql://")
        self._resources = resources
        self._now = clock
        self._known: dict[OrderId, Waiting] = {}
        self._waiting: dict[str, list[Waiting]] = {}

    async def run(self) -> None:
        """Watch until cancelled; begin again whenever the database or Redis goes away."""
        while True:
            try:
                await self._hold_the_lock_and_watch()
            except OUTAGES as lost:
                log.warning("stops are not watched for a moment", error=repr(lost))
            await asyncio.sleep(RETRY_SECONDS)

    async def _hold_the_lock_and_watch(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=5, command_timeout=10)
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):  # noqa: ASYNC110
                await asyncio.sleep(RETRY_SECONDS)
            async with self._resources.quotes.subscription() as channel:
                await channel.psubscribe(CHANNELS)
                log.info("stops are watched")
                await self._watch(connection, channel)
        finally:
            connection.terminate()

    async def _watch(self, connection: "asyncpg.Connection[Any]", channel: PubSub) -> None:
        loop = asyncio.get_running_loop()
        look_at = loop.time()
        while True:
            if loop.time() >= look_at:
                await connection.fetchval("SELECT 1")  # without this connection the right to watch is gone
                await self.look()
                look_at = loop.time() + LOOK_SECONDS
            message = await channel.get_message(timeout=max(0.0, look_at - loop.time()))
            if message is not None and (quote := parse_quote(message["data"])) is not None:
                await self._show(quote)

    async def look(self) -> None:
        """Find out what waits, and show it the newest quotes."""
        async with self._resources.database.system() as session:
            changed_at = await system.list_waiting(session, most=WAITING_MAX)
            known = {key: each for key, each in self._known.items() if changed_at.get(key) == each.order.updated_at}
            unknown = changed_at.keys() - known.keys()
            news = await system.read_waiting(session, list(unknown)) if unknown else []
        self._known = known | {each.order.id: each for each in news}
        by_symbol = defaultdict(list)
        for each in self._known.values():
            by_symbol[each.order.symbol].append(each)
        self._waiting = dict(by_symbol)
        quotes = await self._resources.quotes.find_many(sorted(self._waiting))
        for quote in quotes.values():
            await self._show(quote)

    async def _show(self, quote: Quote) -> None:
        waiting = self._waiting.get(quote.symbol, [])
        moment = self._now()
        if not waiting or quote.age(moment) > self._resources.limits.quote_age_max:
            return  # what cannot be trusted moves nothing
        still_waiting = []
        for each in waiting:
            with others_go_on(order_id=each.order.id):  # one that fails waits for the next look
                if (after := await self._move(each, quote, moment)) is not None:
                    still_waiting.append(after)
        self._waiting[quote.symbol] = still_waiting

    async def _move(self, each: Waiting, quote: Quote, moment: datetime) -> Waiting | None:
        """Move an order by a quote; what would not move it costs no transaction. None when it waits no more."""
        if not is_moved_by(each.order, quote, moment):
            return each
        async with self._resources.database.owned(each.owner) as session:
            order = await trigger_stop(session, each, quote, self._resources.limits, moment)
        if order is None or not order.is_open or order.triggered_at is not None:
            return None
        self._known[order.id] = after = Waiting(each.owner, order)
        return after


async def forget_keys(resources: Resources, clock: Callable[[], datetime]) -> None:
    """Drop answers by Idempotency-Key when they are old, for ever."""
    while True:
        try:
            async with resources.database.system() as session:
                await system.delete_old_answers(session, clock())
        except AppError as away:
            log.warning("old idempotency keys stay for now", error=repr(away))
        await asyncio.sleep(KEYS_SECONDS)

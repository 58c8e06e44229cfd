"""The watcher: compares quotes with the alerts that wait for them.

It knows the waiting alerts by heart, but the table decides: an alert triggers by an update that only one watcher can
make. Whatever was missed, a hint or a quote, is found by reading the alerts again and asking for the present price.

Comparing waits for nothing: what a quote decides goes into a line that several hands work off, so a burst of triggers
delays neither the quotes behind it nor one another.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from kit.errors import Unavailable
from kit.ids import new_id
from kit.observe import log

from notification.domain.alert import PRESENT_MAX, Alert, AlertId, Seen, Step
from notification.domain.alert_index import AlertIndex
from notification.hints import ALERTS, QUOTES, listen
from notification.quotes import read_quote
from notification.resources import Resources
from notification.store import alerts, system
from notification.usecases.trigger_alert import trigger_alert

REFRESH_SECONDS = 15
RETRY_SECONDS = 0.5
HANDS = 6
"""Alerts that are being triggered at the same time: fewer than the database has connections for us."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What a quote meant for an alert, not done yet."""

    alert: Alert
    seen: Seen
    step: Step


class Watcher:
    """Watches the quotes of every symbol somebody has an alert on."""

    def __init__(self, resources: Resources, redis_url: str, clock: Callable[[], datetime]) -> None:
        self._resources = resources
        self._redis_url = redis_url
        self._clock = clock
        self._watched: dict[str, AlertIndex] = {}
        self._reading = asyncio.Lock()
        self._line: asyncio.Queue[Decided] = asyncio.Queue()
        self._in_hand: set[AlertId] = set()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._refresh_now_and_then())
            for _ in range(HANDS):
                group.create_task(self._work_off())

    async def _follow(self) -> None:
        async with aclosing(listen(self._redis_url, f"{QUOTES}*", f"{ALERTS}*")) as everything:
            async for heard in everything:
                if heard is None:
                    await self._until_done(self._begin_anew)
                elif heard.channel.startswith(ALERTS):
                    await self._until_done(partial(self._refresh, heard.channel.removeprefix(ALERTS)))
                elif (symbol := heard.channel.removeprefix(QUOTES)) in self._watched:
                    quote = read_quote(heard.text)
                    if quote is not None:
                        self._compare(symbol, quote.seen())

    async def _refresh_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self._until_done(self._expire)
            await self._until_done(self._refresh)

    async def _until_done(self, work: Callable[[], Awaitable[None]]) -> None:
        """Try again while the database is away: no price is passed over."""
        while True:
            try:
                return await work()
            except Unavailable as down:
                log.warning("alerts wait for the database", error=str(down))
                await asyncio.sleep(RETRY_SECONDS)

    async def _expire(self) -> None:
        async with self._resources.database.system() as session:
            await system.save_expired(session, self._clock())

    async def _begin_anew(self) -> None:
        """Quotes may have gone unheard: every alert is new again, and compared with the present price."""
        self._watched = {}
        await self._refresh()

    async def _refresh(self, symbol: str | None = None) -> None:
        """Read the waiting alerts, of one symbol or all, and ask for the present price of those that are new."""
        async with self._reading:
            async with self._resources.database.system() as session:
                waiting = await system.list_watched(session, symbol)
            known = self._watched
            kept = {} if symbol is None else {each: watched for each, watched in known.items() if each != symbol}
            news: dict[str, list[Alert]] = {}
            for alert in waiting:
                if alert.id not in self._in_hand:
                    news.setdefault(alert.symbol, []).append(alert)
            self._watched = kept | {each: AlertIndex(found) for each, found in news.items()}
            new = {alert.symbol for alert in waiting if alert.id not in known.get(alert.symbol, ())}
        await self._compare_with_present(new)

    async def _compare_with_present(self, symbols: set[str]) -> None:
        for name, quote in (await self._resources.quotes.present(symbols)).items():
            if self._clock() - quote.timestamp <= PRESENT_MAX:
                self._compare(name, quote.seen())

    def _compare(self, symbol: str, seen: Seen) -> None:
        """Decide; who has been decided about is not watched until that is done."""
        if (watched := self._watched.get(symbol)) is None:
            return
        for alert, decided in watched.take(seen, self._clock()):
            self._in_hand.add(alert.id)
            self._line.put_nowait(Decided(alert, seen, decided))

    async def _work_off(self) -> None:
        while True:
            decided = await self._line.get()
            await self._until_done(partial(self._carry_out, decided))

    async def _carry_out(self, decided: Decided) -> None:
        """Do it, and watch on what still waits: as the table has it, when somebody else was quicker."""
        alert, now = decided.alert, self._clock()
        async with self._resources.database.owned(alert.owner) as session:
            after: Alert | None
            if decided.step is Step.REARM:
                await alerts.save_rearmed(session, alert.owner, alert.id)
                after = replace(alert, status="active")
            else:
                publish = self._resources.hints.owner_was_told
                after = await trigger_alert(session, alert, decided.seen, new_id(), now, publish)
                if after is None:
                    after = await alerts.find(session, alert.owner, alert.id)
        if after is not None and after.status == "active" and decided.step is Step.TRIGGER:
            after = None  # it has expired, and the next look at the table says so
        self._in_hand.discard(alert.id)
        if after is not None and after.status in {"active", "resting"}:
            self._watched.setdefault(alert.symbol, AlertIndex()).put(after)
            if decided.step is Step.REARM:
                await self._compare_with_present({alert.symbol})  # a quote may have come in between

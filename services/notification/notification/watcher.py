"""The watcher: compares quotes with the alerts that wait for them.

It knows the waiting alerts by heart, but the table decides: an alert triggers by an update that only one watcher can
make. Whatever was missed, a hint or a quote, is found by reading the alerts again and asking for the present price.

Comparing waits for nothing: what quotes decide goes into a line of owners that several hands work off, so a burst of
triggers delays neither the quotes behind it nor other owners; and all that waits of one owner shares a transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from functools import partial

from kit.errors import Unavailable
from kit.ids import new_id
from kit.observe import log

from notification.domain.alert import PRESENT_MAX, Alert, AlertId, Decided, Seen, Step
from notification.domain.alert_index import AlertIndex
from notification.domain.owner import OwnerId
from notification.hints import ALERTS, QUOTES, listen
from notification.quotes import read_quote
from notification.resources import Resources
from notification.store import system
from notification.usecases.settle_alerts import settle_alerts

REFRESH_SECONDS = 15
RETRY_SECONDS = 0.5
HANDS = 6
"""Owners who are being told at the same time: fewer than the database has connections for us."""


class Watcher:
    """Watches the quotes of every symbol somebody has an alert on."""

    def __init__(self, resources: Resources, redis_url: str, clock: Callable[[], datetime]) -> None:
        self._resources = resources
        self._redis_url = redis_url
        self._clock = clock
        self._watched: dict[str, AlertIndex] = {}
        self._reading = asyncio.Lock()
        self._line: asyncio.Queue[OwnerId] = asyncio.Queue()
        self._decided: dict[OwnerId, list[Decided]] = {}
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
        async with self._reading:
            self._watched = {}
        await self._refresh()

    async def _refresh(self, symbol: str | None = None) -> None:
        """Watch what waits by the table, of one symbol or all, and ask for the present price of what is new.

        Only alerts that are not known as they stand are read whole: reading all of them would hold up the quotes.
        """
        async with self._reading:
            async with self._resources.database.system() as session:
                standing = await system.list_watched(session, symbol)
                known = self._known(symbol)
                changed = standing.items() - {(alert.id, alert.status) for alert in known.values()}
                found = await system.list_alerts(session, [alert_id for alert_id, _ in changed])
            for gone in known.keys() - standing.keys():
                self._watched[known[gone].symbol].drop(gone)
            for alert in found:
                if alert.id not in self._in_hand:
                    self._watched.setdefault(alert.symbol, AlertIndex()).put(alert)
            self._watched = {each: watched for each, watched in self._watched.items() if len(watched)}
        await self._compare_with_present({alert.symbol for alert in found if alert.id not in known})

    def _known(self, symbol: str | None) -> dict[AlertId, Alert]:
        indices = self._watched.values() if symbol is None else [self._watched.get(symbol, AlertIndex())]
        return {alert.id: alert for watched in indices for alert in watched}

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
            if alert.owner not in self._decided:
                self._line.put_nowait(alert.owner)
            self._decided.setdefault(alert.owner, []).append(Decided(alert, seen, decided, new_id()))

    async def _work_off(self) -> None:
        while True:
            owner = await self._line.get()
            await self._until_done(partial(self._carry_out, owner, self._decided.pop(owner)))

    async def _carry_out(self, owner: OwnerId, batch: Sequence[Decided]) -> None:
        """Do what waits of an owner in one transaction, and watch on what still waits: as the table has it."""
        publish = self._resources.hints.owner_was_told
        async with self._resources.database.owned(owner) as session:
            waiting = await settle_alerts(session, owner, batch, self._clock(), publish)
        self._in_hand.difference_update(decided.alert.id for decided in batch)
        for alert in waiting:
            self._watched.setdefault(alert.symbol, AlertIndex()).put(alert)
        rearmed = {decided.alert.symbol for decided in batch if decided.step is Step.REARM}
        await self._compare_with_present(rearmed)  # a quote may have come in between

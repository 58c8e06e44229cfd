"""The watcher: compares quotes with the alerts that wait for them.

It knows the waiting alerts by heart, but the table decides: an alert triggers by an update that only one watcher can
make. Whatever was missed, a hint or a quote, is found by reading the alerts again and asking for the present price.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import datetime
from decimal import Decimal
from functools import partial

from kit.errors import Unavailable
from kit.ids import new_id
from kit.observe import log

from notification.domain.alert import PRESENT_MAX, Alert, AlertId, Step, step
from notification.hints import ALERTS, QUOTES, listen
from notification.quotes import read_quote
from notification.resources import Resources
from notification.store import alerts, system
from notification.usecases.trigger_alert import trigger_alert

REFRESH_SECONDS = 15
RETRY_SECONDS = 0.5

Watched = dict[AlertId, Alert]


class Watcher:
    """Watches the quotes of every symbol somebody has an alert on."""

    def __init__(self, resources: Resources, redis_url: str, clock: Callable[[], datetime]) -> None:
        self._resources = resources
        self._redis_url = redis_url
        self._clock = clock
        self._watched: dict[str, Watched] = {}
        self._one_at_a_time = asyncio.Lock()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow())
            group.create_task(self._refresh_now_and_then())

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
                        await self._until_done(partial(self._compare, symbol, quote.price))

    async def _refresh_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            await self._until_done(self._expire)
            await self._until_done(self._refresh)

    async def _until_done(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do one thing at a time, and again while the database is away: no price is passed over."""
        async with self._one_at_a_time:
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
        known = self._watched
        async with self._resources.database.system() as session:
            waiting = await system.list_watched(session, symbol)
        kept = {} if symbol is None else {each: watched for each, watched in known.items() if each != symbol}
        for alert in waiting:
            kept.setdefault(alert.symbol, {})[alert.id] = alert
        self._watched = kept
        new = {alert.symbol for alert in waiting if alert.id not in known.get(alert.symbol, {})}
        for name, quote in (await self._resources.quotes.present(new)).items():
            if self._clock() - quote.timestamp <= PRESENT_MAX:
                await self._compare(name, quote.price)

    async def _compare(self, symbol: str, price: Decimal) -> None:
        now = self._clock()
        steps = [(alert, step(alert, price, now)) for alert in self._watched.get(symbol, {}).values()]
        acted = False
        for alert, decided in steps:
            if decided is Step.TRIGGER:
                await self._trigger(alert, price, now)
            elif decided is Step.REARM:
                async with self._resources.database.owned(alert.owner) as session:
                    await alerts.save_rearmed(session, alert.owner, alert.id)
            acted = acted or decided is not Step.NOTHING
        if acted:
            await self._refresh(symbol)

    async def _trigger(self, alert: Alert, price: Decimal, now: datetime) -> None:
        async with self._resources.database.owned(alert.owner) as session:
            publish = self._resources.hints.owner_was_told
            triggered = await trigger_alert(session, alert, price, new_id(), now, publish)
        if triggered:
            log.info("alert triggered", alert_id=str(alert.id), symbol=alert.symbol, price=str(price))

"""Alerts against real quotes: soon, once, and through restarts."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from kit.clock import now
from kit.ids import new_id
from notification.config import Settings
from notification.domain.alert import PRESENT_MAX, REST, Alert
from notification.resources import Resources
from notification.watcher import Watcher
from pydantic import SecretStr
from sqlalchemy import text

from services.notification.tests.people import Exchange, an_alert, cuttable, running, save_alert, until


@pytest.fixture
def exchange(redis_url: str) -> Exchange:
    return Exchange(redis_url)


def a_watcher(worker: Resources, settings: Settings, clock: Callable[[], datetime] = now) -> Watcher:
    return Watcher(worker, settings.redis_url.get_secret_value(), clock)


async def state(worker: Resources, alert: Alert) -> tuple[str, int, int]:
    """The alert's status, and how many notices and events there are of its owner."""
    async with worker.database.owned(alert.owner) as session:
        status = await session.scalar(text("SELECT status FROM alerts WHERE id = :id"), {"id": alert.id})
        notices = await session.scalar(text("SELECT count(*) FROM notifications"))
    async with worker.database.system() as session:
        told = text("SELECT count(*) FROM events WHERE owner_id = :owner AND type = 'notification.alert.triggered.v1'")
        return str(status), int(notices or 0), int(await session.scalar(told, {"owner": alert.owner}) or 0)


async def becomes(worker: Resources, alert: Alert, status: str, seconds: float = 30) -> None:
    found = await until(lambda: state(worker, alert), lambda seen: seen[0] == status, seconds)
    assert found[0] == status


async def test_an_alert_made_while_watched_triggers_by_its_quote(
    worker: Resources, settings: Settings, exchange: Exchange
) -> None:
    alert = an_alert(exchange.symbol, value="100.5")
    async with running(a_watcher(worker, settings).run()):
        await asyncio.sleep(0.3)
        await save_alert(worker, alert)
        await asyncio.sleep(0.3)
        await exchange.quotes("100.4")
        await asyncio.sleep(0.1)
        assert await state(worker, alert) == ("active", 0, 0)
        await exchange.quotes("100.5")
        await becomes(worker, alert, "triggered")
        await exchange.quotes("90", "200")
        await asyncio.sleep(0.1)
    assert await state(worker, alert) == ("triggered", 1, 1)


async def test_an_alert_that_is_met_already_triggers_at_once(
    worker: Resources, settings: Settings, exchange: Exchange
) -> None:
    await exchange.quotes("150", publish=False)
    alert = an_alert(exchange.symbol)
    async with running(a_watcher(worker, settings).run()):
        await asyncio.sleep(0.3)
        await save_alert(worker, alert)
        await becomes(worker, alert, "triggered")


async def test_a_price_of_yesterday_is_no_present_price(
    worker: Resources, settings: Settings, exchange: Exchange
) -> None:
    await exchange.quotes("150", at=now() - PRESENT_MAX - timedelta(seconds=1), publish=False)
    alert = an_alert(exchange.symbol)
    await save_alert(worker, alert)
    async with running(a_watcher(worker, settings).run()):
        await asyncio.sleep(0.4)
        assert await state(worker, alert) == ("active", 0, 0)


async def test_two_watchers_trigger_each_alert_once(worker: Resources, settings: Settings, exchange: Exchange) -> None:
    alerts = [an_alert(exchange.symbol) for _ in range(15)]
    for alert in alerts:
        await save_alert(worker, alert)
    async with running(a_watcher(worker, settings).run(), a_watcher(worker, settings).run()):
        await asyncio.sleep(0.4)
        await exchange.quotes("101", "102", "103")
        for alert in alerts:
            await becomes(worker, alert, "triggered")
        await asyncio.sleep(0.2)
    assert {await state(worker, alert) for alert in alerts} == {("triggered", 1, 1)}


async def test_alerts_outlive_the_watcher_and_what_it_missed_is_found(
    worker: Resources, settings: Settings, exchange: Exchange
) -> None:
    alert = an_alert(exchange.symbol)
    async with running(a_watcher(worker, settings).run()):
        await asyncio.sleep(0.3)
        await save_alert(worker, alert)
        await asyncio.sleep(0.2)
    await exchange.quotes("150")
    assert await state(worker, alert) == ("active", 0, 0)
    async with running(a_watcher(worker, settings).run()):
        await becomes(worker, alert, "triggered")


@pytest.mark.requirement("R-26")
async def test_a_cut_connection_to_redis_loses_no_alert(
    worker: Resources, settings: Settings, exchange: Exchange, redis_url: str
) -> None:
    alert = an_alert(exchange.symbol)
    await save_alert(worker, alert)
    async with cuttable(redis_url) as (address, cut):
        far = settings.model_copy(update={"redis_url": SecretStr(address)})
        async with running(a_watcher(worker, far).run()):
            await asyncio.sleep(0.3)
            cut()
            await exchange.quotes("150")
            await becomes(worker, alert, "triggered")


async def test_a_repeating_alert_repeats_after_its_rest_and_not_before(
    worker: Resources, settings: Settings, exchange: Exchange
) -> None:
    alert, later = an_alert(exchange.symbol, repeat=True), timedelta()
    await save_alert(worker, alert)
    async with running(a_watcher(worker, settings, lambda: now() + later).run()):
        await asyncio.sleep(0.3)
        await exchange.quotes("101", "99", "101")
        await becomes(worker, alert, "resting")
        await asyncio.sleep(0.1)
        assert await state(worker, alert) == ("resting", 1, 1)
        later = REST
        await exchange.quotes("99")
        await becomes(worker, alert, "active")
        await exchange.quotes("101")
        await becomes(worker, alert, "resting")
    assert await state(worker, alert) == ("resting", 2, 2)


async def test_an_expired_alert_ends_and_never_triggers(
    worker: Resources, settings: Settings, exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notification.watcher.REFRESH_SECONDS", 0.2)
    alert = an_alert(exchange.symbol, expires_in=0.2)
    await save_alert(worker, alert)
    async with running(a_watcher(worker, settings).run()):
        await asyncio.sleep(0.3)
        await exchange.quotes("150")
        await becomes(worker, alert, "expired")
    assert await state(worker, alert) == ("expired", 0, 0)


async def test_a_deleted_alert_never_triggers(worker: Resources, settings: Settings, exchange: Exchange) -> None:
    alert = an_alert(exchange.symbol)
    await save_alert(worker, alert)
    async with running(a_watcher(worker, settings).run()):
        await asyncio.sleep(0.3)
        async with worker.database.owned(alert.owner) as session:
            await session.execute(text("DELETE FROM alerts"))
        await exchange.quotes("150")
        await asyncio.sleep(0.2)
    assert (await state(worker, alert))[1:] == (0, 0)


async def test_a_quote_that_makes_no_sense_disturbs_nobody(
    worker: Resources, settings: Settings, exchange: Exchange
) -> None:
    alert = an_alert(exchange.symbol, owner=new_id())
    await save_alert(worker, alert)
    async with running(a_watcher(worker, settings).run()):
        await asyncio.sleep(0.3)
        for nonsense in ("", "{}", '{"price": 150, "timestamp": "x"}', '{"price": "NaN"}', "[" * 2000):
            await exchange.says(nonsense)
        await exchange.quotes("150")
        await becomes(worker, alert, "triggered")


async def test_what_a_price_means_for_many_alerts_of_one_owner_is_one_transaction(
    worker: Resources, settings: Settings, exchange: Exchange
) -> None:
    owner = new_id()
    alerts = [an_alert(exchange.symbol, owner=owner, value=str(100 + n), repeat=n % 2 == 0) for n in range(20)]
    for alert in alerts:
        await save_alert(worker, alert)
    await exchange.quotes("150", publish=False)
    async with running(a_watcher(worker, settings).run()):
        for alert in alerts:
            await becomes(worker, alert, "resting" if alert.repeat else "triggered")
    assert await state(worker, alerts[0]) == ("resting", 20, 20)
    async with worker.database.owned(owner) as session:
        shared = await session.scalar(text("SELECT count(DISTINCT xmin::text) FROM notifications"))
    assert shared == 1

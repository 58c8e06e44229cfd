"""Alerts on rules against closed bars: once, by whoever is there, and through whatever is away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from kit.errors import Unavailable
from kit.events import Envelope
from kit.ids import new_id
from kit.testing.serving import serving
from notification.config import Settings
from notification.domain.alert import Alert
from notification.domain.rule_alert import PATIENCE
from notification.resources import Resources, open_resources
from notification.rule_watcher import RuleWatcher
from notification.subscriptions import subscriptions
from sqlalchemy import text

from services.notification.tests.neighbours import Neighbours
from services.notification.tests.people import a_rule_alert, save_alert

TEN = datetime(2024, 12, 16, 1, tzinfo=UTC)
MINUTES = timedelta(minutes=5)
RULE = "close > sma(3)"


@dataclass
class Floor:
    """Market, the worker that listens to it, and a clock that a test turns."""

    worker: Resources
    market: Neighbours
    at: datetime = TEN
    symbol: str = "005930"
    bars: int = field(default=0)

    def clock(self) -> datetime:
        return self.at

    def watcher(self) -> RuleWatcher:
        return RuleWatcher(self.worker, self.clock)

    async def closes(self, *prices: int, heard: bool = True) -> None:
        """Bars of five minutes close, one after the other; of the last one market says so."""
        for price in prices:
            self.market.trades(self.symbol, TEN + self.bars * MINUTES, price)
            self.bars += 1
        self.at = TEN + self.bars * MINUTES
        if heard:
            await self.hears("1m", self.at - timedelta(minutes=1))

    async def hears(self, interval: str, start: datetime) -> None:
        """Market announces a bar: through the very handler that hears it."""
        message = Envelope(
            id=new_id(),
            type="market.bar.closed.v1",
            source="market",
            time=self.at,
            subject=self.symbol,
            owner=None,
            correlation_id=new_id(),
            causation_id=None,
            version=1,
            data={"symbol": self.symbol, "interval": interval, "start": start.isoformat()},
        )
        known = subscriptions.handlers[message.type]
        async with self.worker.database.system() as session:
            await known.handler(session, known.model.model_validate(message.data), message)

    async def state(self, alert: Alert) -> tuple[str, bool, int]:
        """The alert's status, whether a bar waits for it, and how many notices its owner has."""
        async with self.worker.database.owned(alert.owner) as session:
            statement = text("SELECT status, due_bar IS NOT NULL AS due FROM alerts WHERE id = :id")
            row = (await session.execute(statement, {"id": alert.id})).one()
            return row.status, row.due, int(await session.scalar(text("SELECT count(*) FROM notifications")) or 0)


@pytest_asyncio.fixture
async def floor(settings: Settings) -> AsyncIterator[Floor]:
    market = Neighbours()
    async with serving(market.app()) as url:
        told = settings.model_copy(update={"market_url": url, "auth_url": url})
        async with open_resources(told) as resources:
            yield Floor(resources, market)


async def test_a_rule_that_holds_on_a_closed_bar_is_told_with_what_it_read(floor: Floor) -> None:
    alert = a_rule_alert(floor.symbol, RULE)
    await save_alert(floor.worker, alert)
    await floor.closes(100, 100, 100)
    assert await floor.watcher().look() == 1
    assert await floor.state(alert) == ("active", False, 0)
    await floor.closes(130)
    floor.market.trades(floor.symbol, TEN + floor.bars * MINUTES, 1)  # the bar that goes on is nobody's business
    assert await floor.watcher().look() == 1
    assert await floor.state(alert) == ("triggered", False, 1)
    async with floor.worker.database.owned(alert.owner) as session:
        notice = (await session.execute(text("SELECT title, body, data FROM notifications"))).one()
    assert notice.title == "005930 규칙 성립, 종가 130"
    assert notice.body == "5분봉 규칙: close > sma(3) (close 130, sma(3) 110)."
    assert notice.data["alert_id"] == str(alert.id)
    await floor.closes(200)
    assert await floor.watcher().look() == 0


async def test_a_daily_rule_is_judged_when_the_day_has_closed(floor: Floor) -> None:
    alert = a_rule_alert(floor.symbol, "close > 100", interval="1d")
    await save_alert(floor.worker, alert)
    day = datetime(2024, 12, 16, tzinfo=UTC)
    floor.market.trades(floor.symbol, day, 101)
    await floor.closes(500)
    assert await floor.watcher().look() == 0
    await floor.hears("1d", day)
    floor.market.closes[floor.symbol] = {day: 101}
    assert await floor.watcher().look() == 1
    assert await floor.state(alert) == ("triggered", False, 1)


async def test_two_workers_at_once_tell_it_once(floor: Floor) -> None:
    alerts = [a_rule_alert(floor.symbol, RULE) for _ in range(5)]
    for alert in alerts:
        await save_alert(floor.worker, alert)
    await floor.closes(100, 100, 130)
    await asyncio.gather(*(floor.watcher().look() for _ in range(3)))
    assert [await floor.state(alert) for alert in alerts] == [("triggered", False, 1)] * 5


async def test_a_bar_that_cannot_be_had_waits_through_an_outage_and_a_restart(floor: Floor) -> None:
    alert = a_rule_alert(floor.symbol, RULE)
    await save_alert(floor.worker, alert)
    await floor.closes(100, 100, 130)
    floor.market.status = 503
    with pytest.raises(Unavailable):
        await floor.watcher().look()
    assert await floor.state(alert) == ("active", True, 0)
    floor.market.status = 200
    kept = floor.market.closes[floor.symbol].popitem()
    assert await floor.watcher().look() == 0, "market has announced the bar, and does not show it yet"
    assert await floor.state(alert) == ("active", True, 0)
    floor.market.trades(floor.symbol, *kept)
    floor.market.token = "second"  # auth has changed its keys
    assert await floor.watcher().look() == 1
    assert await floor.state(alert) == ("triggered", False, 1)


async def test_a_bar_that_comes_too_late_says_nothing(floor: Floor) -> None:
    alert = a_rule_alert(floor.symbol, RULE)
    await save_alert(floor.worker, alert)
    await floor.closes(100, 100, 130)
    floor.at += PATIENCE + timedelta(seconds=1)
    assert await floor.watcher().look() == 1
    assert await floor.state(alert) == ("active", False, 0)
    assert floor.market.asked == []


async def test_one_that_repeats_rests_until_the_rule_no_longer_holds(floor: Floor) -> None:
    alert = a_rule_alert(floor.symbol, RULE, repeat=True)
    await save_alert(floor.worker, alert)
    seen = []
    for price in (100, 100, 130, 140, 90, 150):
        await floor.closes(price)
        await floor.watcher().look()
        seen.append(await floor.state(alert))
    assert [status for status, _, _ in seen[2:]] == ["resting", "resting", "active", "resting"]
    assert [notices for _, _, notices in seen[2:]] == [1, 1, 1, 2]

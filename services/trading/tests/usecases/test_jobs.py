"""The worker's jobs: each due run once, whatever the number of workers, and a failure takes nothing with it."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from unittest.mock import patch

import asyncpg
import pytest
import pytest_asyncio
from kit.db import Database
from kit.ids import new_id
from kit.json import dumps_text
from kit.testing.databases import TestDatabase
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from sqlalchemy import text
from trading import operate
from trading.census import count
from trading.config import Settings
from trading.domain.order import OPEN, Happening
from trading.jobs import (
    WATCH_EVERY,
    Job,
    job_age_seconds,
    prove_accounts,
    run_if_due,
    settle_accounts,
    silent_order_seconds,
    watch_orders,
)
from trading.meters import order_oldest_seconds, orders_open
from trading.resources import Resources, open_resources

from services.trading.tests.api.conftest import a_published_quote
from services.trading.tests.builders import NOW
from services.trading.tests.desk import Desk

HOUR = timedelta(hours=1)


@pytest_asyncio.fixture
async def resources(settings: Settings, redis: "Redis") -> "Resources":
    async with open_resources(settings) as opened:
        yield opened


class TestTurns:
    @pytest.mark.requirement("R-11")
    async def test_of_many_workers_one_runs_a_due_job_and_again_only_when_it_is_due_again(
        self, resources: Resources
    ) -> None:
        ran: list[datetime] = []

        async def run(_resources: Resources, now: datetime) -> str:
            ran.append(now)
            return "done"

        job = Job("count", HOUR, run)
        for moment in (NOW, NOW + HOUR - timedelta(seconds=1), NOW + HOUR):
            await asyncio.gather(*(run_if_due(resources, job, lambda at=moment: at) for _ in range(4)))
        assert ran == [NOW, NOW + HOUR]
        assert await run_if_due(resources, job, lambda: NOW - 10 * HOUR), "a start in the future is a clock gone wrong"

    async def test_a_job_that_fails_is_not_done_and_grows_old(self, resources: Resources) -> None:
        async def fails(_resources: Resources, now: datetime) -> str:
            raise ZeroDivisionError(str(now))

        async def works(_resources: Resources, _now: datetime) -> str:
            return "done"

        assert await run_if_due(resources, Job("shaky", HOUR, works), lambda: NOW)
        assert not await run_if_due(resources, Job("shaky", HOUR, fails), lambda: NOW + HOUR)
        assert not await run_if_due(resources, Job("shaky", HOUR, works), lambda: NOW + HOUR)
        age = job_age_seconds.labels("shaky")._value.get()
        assert age == HOUR.total_seconds()


class TestSettling:
    async def test_a_replayed_trade_settles_when_the_replay_has_come_so_far(
        self, resources: Resources, database: Database, redis: "Redis"
    ) -> None:
        desk, code = await Desk.open(database), f"0{new_id().hex[-5:].upper()}"
        await desk.fills(await desk.places(symbol=code))
        for day, settled in (("2024-12-17", False), ("2024-12-18", True)):
            await redis.set(f"realtime:{code}", dumps_text(a_published_quote(code, trading_date=day)), ex=60)
            await settle_accounts(resources, NOW)
            assert ((await desk.balance()).unsettled_out == 0) is settled, day
        await redis.delete(f"realtime:{code}")
        await desk.proves()

    async def test_a_trade_of_the_real_day_settles_by_the_calendar(
        self, resources: Resources, database: Database
    ) -> None:
        desk = await Desk.open(database)
        tuesday = {"trade_date": date(2026, 9, 22), "settlement_date": date(2026, 9, 28)}
        await desk.fills(await desk.places(), executed_at=datetime(2026, 9, 22, 1, tzinfo=UTC), **tuesday)
        await settle_accounts(resources, datetime(2026, 9, 27, 14, 59, tzinfo=UTC))
        assert (await desk.balance()).unsettled_out > 0
        await settle_accounts(resources, datetime(2026, 9, 27, 15, tzinfo=UTC))  # midnight in Seoul
        assert (await desk.balance()).unsettled_out == 0
        await desk.proves()


class TestWatching:
    async def test_an_order_without_its_brokers_answer_is_announced_once_and_a_resting_one_never(
        self, resources: Resources, database: Database
    ) -> None:
        desk = await Desk.open(database)
        await desk.places()
        await desk.hears(await desk.places(), Happening.ACCEPTED)
        for look in range(8):
            await watch_orders(resources, NOW + look * WATCH_EVERY)
        assert (await desk.announced()).count("order.silent") == 1
        assert silent_order_seconds._value.get() == 7 * WATCH_EVERY.total_seconds()


class TestFigures:
    async def test_open_orders_are_counted_by_where_they_stand_and_since_when(
        self, resources: Resources, database: Database
    ) -> None:
        desk = await Desk.open(database)
        for _ in range(2):
            await desk.places()
        await desk.hears(await desk.places(), Happening.ACCEPTED)
        await count(resources, lambda: NOW + HOUR)
        found = {status: orders_open.labels(status)._value.get() for status in OPEN}
        assert {status: number for status, number in found.items() if number} == {"submitted": 2, "accepted": 1}
        assert order_oldest_seconds.labels("submitted")._value.get() == HOUR.total_seconds()
        assert order_oldest_seconds.labels("unknown")._value.get() == 0

    async def test_only_a_brokers_first_word_is_timed(self, database: Database) -> None:
        desk = await Desk.open(database)

        def timed() -> dict[str, float | None]:
            return {
                word: REGISTRY.get_sample_value("order_first_word_seconds_count", {"word": word})
                for word in ("accepted", "filled", "canceled")
            }

        before = {word: number or 0 for word, number in timed().items()}
        order = await desk.places()
        await desk.hears(order, Happening.ACCEPTED)
        await desk.fills(order)
        await desk.fills(await desk.places())
        after = {word: number or 0 for word, number in timed().items()}
        assert {word: after[word] - before[word] for word in after} == {"accepted": 1, "filled": 1, "canceled": 0}


@pytest.mark.requirement("R-21")
async def test_an_account_that_does_not_hold_is_announced_and_the_command_says_so(
    resources: Resources, database: Database, fresh: TestDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    honest, forged = await Desk.open(database), await Desk.open(database)
    await honest.owns(3)
    assert await prove_accounts(resources, NOW) == "2 hold, 0 do not"
    assert await operate.prove(resources, as_json=False) == 0
    superuser = await asyncpg.connect(fresh.admin_url)
    await superuser.execute("UPDATE balances SET available = available + 1 WHERE account_id = $1", forged.account_id)
    await superuser.close()
    capsys.readouterr()
    assert await prove_accounts(resources, NOW) == "1 hold, 1 do not"
    assert (await forged.announced())[-1] == "ledger.disproved"
    assert await operate.prove(resources, as_json=False) == 1
    said = capsys.readouterr().out
    assert "KRW available: rebuilt 10000000, stored 10000001" in said
    assert f"{honest.account_id}" in said


class TestOperator:
    async def test_a_dividend_and_a_split_reach_every_holder_once(
        self, resources: Resources, database: Database, capsys: pytest.CaptureFixture[str]
    ) -> None:
        holders = [await Desk.open(database), await Desk.open(database)]
        for desk in holders:
            await desk.owns(10)
        await Desk.open(database)
        dividend = operate.Dividend(id="q4", symbol="005930", per_share=Decimal(361), paid_on=date(2025, 4, 18))
        for _ in range(2):
            await operate.pay(resources, dividend)
        said = capsys.readouterr().out
        assert "2 account(s) were paid" in said
        assert "0 account(s) were paid" in said
        busy = await holders[0].places(side="sell", quantity=Decimal(1))
        split = operate.Split(id="2018", symbol="005930", ratio=Decimal(2), price=Decimal(28_000), on=date(2025, 5, 2))
        assert await operate.split(resources, split) == 1
        async with database.owned(holders[0].owner) as session:
            await session.execute(
                text("UPDATE orders SET status = 'canceled', held = 0 WHERE id = :id"), {"id": busy.id}
            )
            await session.execute(text("UPDATE positions SET held = 0"))
        assert await operate.split(resources, split) == 0
        for desk in holders:
            assert (await desk.position()).quantity == 20
            await desk.proves()

    async def test_nonsense_on_the_command_line_is_refused_before_anything_is_opened(self) -> None:
        with patch("sys.argv", ["operate", "split", "x", "005930", "-2", "--price", "1", "--on", "2025-01-02"]):
            with pytest.raises(SystemExit) as left:
                operate.main()
            assert left.value.code == 2

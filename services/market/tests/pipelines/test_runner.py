"""Pipelines: a day is collected, looked through, screened and told, once, by one worker, however often it dies."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fakefeeds.world import World
from kit.db import Database
from kit.ids import new_id
from kit.testing.databases import TestDatabase
from kit.testing.tasks import ended
from market import lease
from market.panels import Panels
from market.pipelines import runner as running
from market.pipelines.figures import Figures
from market.pipelines.minutes import Minutes
from market.pipelines.runner import PipelineRunner, Sources
from market.providers.failover import Failover
from sqlalchemy import text

DAY = date(2024, 12, 13)
PREFIX = "/api/v1/market"


@pytest.fixture
def worker(
    database: Database, fresh: TestDatabase, opened: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Any]:
    """`async with worker("krx_portal")`: a worker with these sources."""
    monkeypatch.setattr(running, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(lease, "RESTART_SECONDS", 0.05)

    @asynccontextmanager
    async def working(*sources: str, **changes: Any) -> AsyncIterator[Failover]:
        catalogue = opened(*sources, **changes)
        failover = Failover(catalogue.providers, clock)
        minutes = Minutes(catalogue.minutes, changes.get("minute_symbols", ()))
        asked = Sources(failover, Figures(catalogue.portal, catalogue.dart), minutes=minutes)
        task = asyncio.create_task(
            PipelineRunner(database, Panels(), asked, fresh.system_url, clock).run(), name="runner"
        )
        try:
            yield failover
        finally:
            await ended(task)

    return working


async def runs(database: Database) -> dict[tuple[str, str], Any]:
    async with database.system() as session:
        found = await session.execute(text("SELECT * FROM pipeline_runs"))
        return {(row.pipeline, str(row.day)): row for row in found}


async def until(database: Database, pipeline: str, status: str, day: date = DAY, attempts: int = 0) -> Any:
    """Wait for a run to stand so, after at least so many attempts."""
    async with asyncio.timeout(60):
        while True:
            run = (await runs(database)).get((pipeline, str(day)))
            if run is not None and run.status == status and run.attempts >= attempts:
                return run
            await asyncio.sleep(0.05)


async def count(database: Database, table: str) -> int:
    async with database.system() as session:
        return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def test_the_newest_day_is_collected_by_the_calendar_and_the_chain_follows(
    worker: Any, database: Database, world: World
) -> None:
    async with worker("krx_open_api"):
        await until(database, "clean_up", "finished")
    done = await runs(database)
    assert {pipeline for pipeline, _ in done} == {"collect", "adjust", "figures", "screens", "clean_up"}
    report = done["collect", str(DAY)].report
    assert (report["rows"], report["sources"], report["missing_count"]) == (3, {"krx_open_api": 3}, 0)
    assert world.calls["krxapi"] == 2
    async with database.public() as session:
        found = await session.execute(text("SELECT symbol, board, source FROM bars JOIN instruments USING (symbol)"))
        assert sorted(tuple(row) for row in found) == [
            ("000010", "KOSPI", "krx_open_api"),
            ("000020", "KOSPI", "krx_open_api"),
            ("000030", "KOSDAQ", "krx_open_api"),
        ]


async def test_indices_come_with_the_day_from_whoever_has_them_and_no_screen_holds_one(
    worker: Any, database: Database, indices: None, user: httpx.AsyncClient, upload: Any, bars_csv: Any
) -> None:
    before = ("2024-12-12,2500,2510,2490,2505,10,",)
    assert (await upload({"KOSPI.csv": bars_csv(*before)}, adjustment="adjusted")).status_code == 201
    async with worker("krx_open_api", "krx_portal"):
        report = (await until(database, "collect", "finished")).report
    assert report["indices"] == dict.fromkeys(("KOSPI", "KOSPI200", "KOSDAQ"), "krx_portal")
    assert (report["missing_count"], report["left_out_other_adjustment"]) == (0, 0)
    kept = text("SELECT symbol, count(*), max(day) FROM bars JOIN instruments USING (symbol) GROUP BY symbol")
    async with database.public() as session:
        days = {symbol: (bars, str(last)) for symbol, bars, last in await session.execute(kept)}
    assert days["KOSPI"] == (2, str(DAY)), "since its newest day"
    assert days["KOSDAQ"][0] > 200, "all of it, since there was none"
    found = await user.post(f"{PREFIX}/screen", json={"rule": "close > 1"})
    assert [one["symbol"] for one in found.json()["items"]] == ["000010", "000020", "000030"]


async def test_without_an_index_the_day_is_whole_all_the_same_and_the_report_says_why(
    worker: Any, database: Database
) -> None:
    async with worker("krx_open_api"):
        report = (await until(database, "collect", "finished")).report
    assert report["rows"] == 3
    assert report["indices"].keys() == {"KOSPI", "KOSPI200", "KOSDAQ"}
    assert "no source" in report["indices"]["KOSPI"]


async def test_before_the_close_nothing_falls_due_and_after_an_outage_every_missed_day_does(
    worker: Any, database: Database, clock: Any
) -> None:
    clock.now = datetime(2024, 12, 11, 7, 30, tzinfo=UTC)
    async with worker("krx_open_api"):
        await until(database, "clean_up", "finished", date(2024, 12, 11))
        clock.now = datetime(2024, 12, 12, 6, 0, tzinfo=UTC)
        await asyncio.sleep(0.3)
        assert {day for _, day in await runs(database)} == {"2024-12-11"}
        clock.now = datetime(2024, 12, 14, 0, 0, tzinfo=UTC)
        await until(database, "clean_up", "finished")
    assert {day for _, day in await runs(database)} == {"2024-12-11", "2024-12-12", "2024-12-13"}


async def test_what_is_not_there_yet_is_tried_again_later_and_given_up_after_fourteen_hours(
    worker: Any, database: Database, world: World, clock: Any
) -> None:
    days = {symbol: issue.days for symbol, issue in world.issues.items()}
    for symbol, issue in world.issues.items():
        object.__setattr__(issue, "days", days[symbol][:-1])
    async with worker("krx_open_api"):
        run = await until(database, "collect", "waiting", attempts=1)
        assert "no source has bars" in run.error
        assert run.not_before == clock.now + timedelta(minutes=10)
        assert (await runs(database))["screens", str(DAY)].attempts == 0, "the chain waits"
        async with asyncio.timeout(60):
            while (run := (await runs(database))["collect", str(DAY)]).status != "failed":
                clock.now = max(clock.now, run.not_before)
                await asyncio.sleep(0.05)
        assert run.attempts == 8
        assert clock.now - datetime(2024, 12, 14, 3, 0, tzinfo=UTC) > timedelta(hours=12)
        assert (await runs(database))["screens", str(DAY)].status == "failed"
        assert await count(database, "bars") == 0


async def test_without_whole_days_each_known_symbol_is_followed_and_a_new_split_tells_everything_anew(
    worker: Any, database: Database, world: World, upload: Any, bars_csv: Any
) -> None:
    kept = [day for day in world.issues["000020"].days if day.day < date(2024, 9, 2)]  # before the split
    lines = [f"{d.day},{d.open},{d.high},{d.low},{d.close},{d.volume}," for d in kept]
    assert (await upload({"000020.csv": bars_csv(*lines)}, adjustment="adjusted")).status_code == 201
    async with worker("naver"):
        report = (await until(database, "collect", "finished")).report
    assert (report["missing_count"], report["sources"]) == (0, {"naver": len(world.issues["000020"].days)})
    async with database.public() as session:
        jumps = text(
            "SELECT count(*) FROM (SELECT close / lag(close) OVER (ORDER BY day) AS ratio FROM bars) one"
            " WHERE abs(ratio - 1) > 0.3"
        )
        assert await session.scalar(jumps) == 0
    assert await count(database, "bars") == len(world.issues["000020"].days)


async def test_a_raw_day_never_enters_an_adjusted_series_and_an_unexplained_jump_is_told(
    worker: Any, database: Database, upload: Any, bars_csv: Any, admin: httpx.AsyncClient, clock: Any
) -> None:
    before = ("2024-12-12,52000,52500,51500,52100,10,",)
    assert (await upload({"000010.csv": bars_csv(*before)}, adjustment="adjusted")).status_code == 201
    tall = ("2024-12-12,2700000,2750000,2690000,2700000,10,",)
    assert (await upload({"000020.csv": bars_csv(*tall)})).status_code == 201
    async with worker("krx_open_api"):
        collected = (await until(database, "collect", "finished")).report
        looked = (await until(database, "adjust", "finished")).report
    assert (collected["rows"], collected["left_out_other_adjustment"]) == (2, 1)
    (jump,) = looked["unexplained_jumps"]
    assert (jump["symbol"], jump["day"], float(jump["ratio"]) < 0.1) == ("000020", str(DAY), True)


async def test_minutes_are_planned_where_they_have_a_source_and_without_a_symbol_fail_at_once_and_hold_up_nothing(
    worker: Any, database: Database
) -> None:
    async with worker("krx_open_api", minute_sources=("kis",)):
        failed = await until(database, "minutes", "failed")
        await until(database, "clean_up", "finished")
    assert (failed.attempts, "MARKET_MINUTE_SYMBOLS" in failed.error) == (1, True)


async def test_minutes_that_are_asked_for_without_a_source_say_which_setting_is_missing(
    worker: Any, database: Database, admin: httpx.AsyncClient
) -> None:
    wanted = {"market": "KRX", "first": str(DAY), "last": str(DAY), "pipelines": ["minutes"]}
    async with worker("krx_open_api"):
        await until(database, "clean_up", "finished")
        assert (await admin.post(f"{PREFIX}/pipelines", json=wanted)).status_code == 202
        async with database.system() as session:  # asked for by the clock of the wall, which is ahead of the test's
            await session.execute(text("UPDATE pipeline_runs SET not_before = requested_at - interval '10 years'"))
        failed = await until(database, "minutes", "failed")
    assert (failed.attempts, "MARKET_MINUTE_SOURCES" in failed.error) == (1, True)


class TestScheduledScreens:
    async def test_an_owner_is_told_once_what_a_screen_had_not_found_before(
        self, worker: Any, database: Database, people: Any, clock: Any, admin: httpx.AsyncClient
    ) -> None:
        mine, other = people.of("user"), people.of("user")
        body = {"name": "all", "rule": "close > 1", "scheduled": True}
        kept = (await mine.post(f"{PREFIX}/screens", json=body)).json()
        assert kept["scheduled"] is True
        await mine.post(f"{PREFIX}/screens", json=body | {"name": "none", "rule": "close < 1"})
        await other.post(f"{PREFIX}/screens", json=body | {"name": "not by itself", "scheduled": False})
        facts = text("SELECT owner_id, data FROM events WHERE type = 'market.screen.matched.v1' ORDER BY position")
        clock.now = datetime(2024, 12, 12, 8, 0, tzinfo=UTC)
        async with worker("krx_open_api"):
            await until(database, "screens", "finished", date(2024, 12, 12))
            async with database.system() as session:
                (fact,) = (await session.execute(facts)).all()
            assert fact.data["new_symbols"] == ["000010", "000020", "000030"]
            assert (fact.data["screen_id"], fact.data["trading_date"]) == (kept["id"], "2024-12-12")
            clock.now = datetime(2024, 12, 13, 8, 0, tzinfo=UTC)
            run = await until(database, "screens", "finished")
            assert run.report == {"screens": 2, "told": 0, "unreadable": 0}
        async with database.system() as session:
            assert len((await session.execute(facts)).all()) == 1

    async def test_a_screen_that_ran_for_the_day_is_not_run_for_it_again(
        self, worker: Any, database: Database, user: httpx.AsyncClient, admin: httpx.AsyncClient
    ) -> None:
        await user.post(f"{PREFIX}/screens", json={"name": "all", "rule": "close > 1", "scheduled": True})
        async with worker("krx_open_api"):
            await until(database, "screens", "finished")
            async with database.system() as session:
                await session.execute(text("UPDATE pipeline_runs SET status = 'waiting' WHERE pipeline = 'screens'"))
            run = await until(database, "screens", "finished", attempts=2)
        assert run.report["screens"] == 0
        assert await count(database, "events WHERE type = 'market.screen.matched.v1'") == 1


@pytest.mark.requirement("R-28")
async def test_of_two_workers_one_works_and_a_run_that_a_dead_one_left_begins_anew(
    worker: Any, database: Database, world: World
) -> None:
    async with database.system() as session:
        await session.execute(
            text(
                "INSERT INTO pipeline_runs (id, pipeline, market, day, status, attempts, not_before, requested_at)"
                " VALUES (:id, 'collect', 'KRX', :day, 'running', 1, now(), now())"
            ),
            {"id": new_id(), "day": DAY},
        )
    async with worker("krx_open_api"), worker("krx_open_api"):
        run = await until(database, "collect", "finished")
        await asyncio.sleep(0.3)
    assert run.attempts == 2
    assert world.calls["krxapi"] == 2, "two boards, asked by one worker"


async def test_a_block_is_remembered_by_the_next_worker(worker: Any, database: Database, world: World) -> None:
    world.fail("krxapi", "403")
    async with worker("krx_open_api", "krx_portal"):
        report = (await until(database, "collect", "finished")).report
        assert report["sources"] == {"krx_portal": 3}
    async with worker("krx_open_api", "krx_portal") as failover:
        async with asyncio.timeout(30):
            while "krx_open_api" not in failover.breakers:  # noqa: ASYNC110 - the runner has no event for it
                await asyncio.sleep(0.05)
        assert failover.breakers["krx_open_api"].is_block
        assert failover.breakers["krx_open_api"].open_until == datetime(2024, 12, 14, 15, 0, tzinfo=UTC)


class TestAsking:
    async def test_an_operator_back_fills_days_and_sees_how_it_goes(
        self, worker: Any, database: Database, admin: httpx.AsyncClient, world: World
    ) -> None:
        wanted = {"market": "KRX", "first": "2024-12-06", "last": "2024-12-10", "pipelines": ["adjust", "collect"]}
        asked = await admin.post(f"{PREFIX}/pipelines", json=wanted)
        assert (asked.status_code, asked.json()) == (202, {"days": 3, "runs": 6})
        shown = (await admin.get(f"{PREFIX}/pipelines", params={"market": "KRX"})).json()["items"]
        assert [(one["day"], one["pipeline"], one["status"]) for one in shown][:2] == [
            ("2024-12-10", "adjust", "waiting"),
            ("2024-12-10", "collect", "waiting"),
        ]

    @pytest.mark.requirement("R-35")
    async def test_days_that_cannot_be_asked_for_and_strangers_are_refused(
        self, admin: httpx.AsyncClient, user: httpx.AsyncClient, anonymous: httpx.AsyncClient
    ) -> None:
        for first, last in (("2024-12-10", "2024-12-06"), ("2020-01-01", "2024-12-06"), ("1900-01-01", "1900-01-05")):
            answer = await admin.post(f"{PREFIX}/pipelines", json={"first": first, "last": last})
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "first"), first
        good = {"first": "2024-12-06", "last": "2024-12-06"}
        assert (await admin.post(f"{PREFIX}/pipelines", json=good | {"pipelines": []})).status_code == 422
        assert (await user.post(f"{PREFIX}/pipelines", json=good)).status_code == 403
        assert (await user.get(f"{PREFIX}/pipelines")).status_code == 403
        assert (await anonymous.get(f"{PREFIX}/pipelines")).status_code == 401

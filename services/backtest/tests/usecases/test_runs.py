"""Runs are queued within bounds, computed once, and always end."""

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from backtest.domain.outcome import Trial
from backtest.domain.run import RUN_SECONDS_MAX, RUNS_WAITING_MAX, Run, RunId, Task, Waiting
from backtest.errors import InvalidRule, TooManyRuns
from backtest.store import results, runs
from backtest.usecases import gather_chunks as gathering
from backtest.usecases.create_strategy import create_strategy
from backtest.usecases.execute_run import Errand, execute_run
from backtest.usecases.expire_runs import expire_runs
from backtest.usecases.request_backtest import Asked, Period, request_backtest
from backtest.usecases.request_sweep import request_sweep
from backtest.workshop import Workshop
from kit.clock import now
from kit.db import Database
from kit.errors import Unavailable
from kit.ids import new_id
from quant.markets.calendar import sessions_between
from quant.markets.symbols import normalise
from sqlalchemy import text

from services.backtest.tests.builders import a_sweep, content, events_of, rules, terms
from services.backtest.tests.neighbours import Neighbours, a_walk
from services.backtest.tests.people import executed, found, queue_of, queued, work_off


async def head_of(database: Database, owner: UUID, run_id: RunId) -> results.Head:
    async with database.owned(owner) as session:
        head = await results.find(session, owner, run_id)
    assert head is not None
    return head


async def finished_events(database: Database, owner: UUID) -> list[dict[str, object]]:
    return [data for kind, data in await events_of(database, owner) if kind == "backtest.run.finished.v1"]


class TestAsking:
    async def test_a_backtest_is_queued_with_the_rules_of_now_and_announced(self, database: Database) -> None:
        owner = uuid4()
        async with database.owned(owner) as session:
            strategy = await create_strategy(session, owner, content(), now())
            run = await request_backtest(
                session, owner, Asked(strategy.id, normalise("005930"), Period(None, None, Decimal(10_000_000))), now()
            )
        assert (run.status, run.task.rules, run.strategy_id) == ("queued", strategy.content.rules, strategy.id)
        assert await found(database, owner, run.id) == run
        announced = ("backtest.run.requested.v1", {"run_id": str(run.id), "kind": "backtest"})
        assert await events_of(database, owner) == [announced]

    async def test_a_sweep_with_a_value_no_indicator_takes_is_refused(self, database: Database) -> None:
        owner = uuid4()
        with pytest.raises(InvalidRule):
            async with database.owned(owner) as session:
                await request_sweep(session, owner, a_sweep(grid={"fast": [5], "slow": [0]}), now())

    @pytest.mark.requirement("R-32")
    async def test_an_owner_may_have_so_many_unfinished_runs_and_no_more(self, database: Database) -> None:
        owner = uuid4()
        asked = [queued(database, owner) for _ in range(RUNS_WAITING_MAX + 5)]
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(answer, Run) for answer in answers) == RUNS_WAITING_MAX
        assert sum(isinstance(answer, TooManyRuns) for answer in answers) == 5
        assert (await queued(database, uuid4())).status == "queued"


class TestComputing:
    async def test_a_backtest_ends_with_figures_trades_and_equity(self, workshop: Workshop) -> None:
        owner = uuid4()
        run = await executed(workshop, owner)
        assert (run.status, run.done) == ("done", 1)
        head = await head_of(workshop.database, owner, run.id)
        async with workshop.database.owned(owner) as session:
            trades = await results.list_trades(session, owner, run.id, 0, 500)
            equity = await results.list_equity(session, owner, run.id, 990, 500)
        assert head.metrics["trades"] == sum(trade.reason != "open" for _, trade in trades)
        assert head.costs == sum(trade.costs for _, trade in trades)
        assert len(equity) == 10
        assert equity[-1] == (head.basis.last_date, head.metrics["equity_final"])
        (announced,) = await finished_events(workshop.database, owner)
        assert announced["status"] == "done"
        assert set(announced["summary"]) == {"total_return", "max_drawdown", "sharpe", "trades"}  # type: ignore[call-overload]

    @pytest.mark.requirement("product 4: bit-exact repeatability")
    async def test_the_same_run_again_has_the_same_fingerprint_and_the_same_bits(self, workshop: Workshop) -> None:
        owner, other = uuid4(), uuid4()
        first = await head_of(workshop.database, owner, (await executed(workshop, owner)).id)
        second = await head_of(workshop.database, other, (await executed(workshop, other)).id)
        assert first == second

    @pytest.mark.requirement("product 4: an engine that runs the order, fill, fee and rule code of paper trading")
    async def test_an_event_driven_backtest_trades_on_the_exchange(
        self, workshop: Workshop, neighbours: Neighbours
    ) -> None:
        days = sessions_between("KRX", date(2015, 1, 5), date(2020, 1, 1))[:1_000]
        neighbours.bars["005930"]["date"] = [day.isoformat() for day in days]
        owner, task = uuid4(), Task(terms(), replace(rules(), volume_share=Decimal("0.0001")), engine="event_driven")
        run = await executed(workshop, owner, task)
        assert (run.status, run.task.engine) == ("done", "event_driven")
        head = await head_of(workshop.database, owner, run.id)
        async with workshop.database.owned(owner) as session:
            trades = await results.list_trades(session, owner, run.id, 0, 500)
        assert head.unfilled > 0
        volume = max(neighbours.bars["005930"]["volume"])
        assert trades
        assert all(0 < trade.shares <= volume * 0.0001 for _, trade in trades)
        assert all(trade.costs == int(trade.costs) for _, trade in trades)

    async def test_a_sweep_ends_with_every_trial_ranked(self, workshop: Workshop) -> None:
        owner = uuid4()
        run = await executed(workshop, owner, a_sweep(objective="sharpe"))
        async with workshop.database.owned(owner) as session:
            trials = await results.list_trials(session, owner, run.id, 0, 500)
        assert [rank for rank, _ in trials] == [1, 2, 3, 4, 5, 6]
        figures = [trial.metrics["sharpe"] for _, trial in trials]
        assert figures == sorted(figures, reverse=True)  # type: ignore[type-var]
        assert (await head_of(workshop.database, owner, run.id)).metrics == trials[0][1].metrics


class TestFailing:
    @pytest.mark.parametrize(
        ("task", "code", "said"),
        [
            (Task(terms("MSFT"), rules()), "no_bars", "no daily bars of MSFT"),
            (Task(terms(start=date(2015, 1, 5), end=date(2015, 1, 9)), rules()), "period_too_short", "5 daily bars"),
            (Task(terms(), rules(entry="no rule at all")), "invalid_rule", "column"),
            (Task(terms(end=date(2015, 4, 1)), rules(entry="close > sma(200)")), "not_enough_history", "at least 201"),
            (Task(terms(), rules(), engine="event_driven"), "off_calendar", "is not a session in the calendar of KRX"),
        ],
    )
    async def test_inputs_that_cannot_be_computed_end_the_run_with_a_reason(
        self, workshop: Workshop, task: Task, code: str, said: str
    ) -> None:
        owner = uuid4()
        run = await executed(workshop, owner, task)
        assert run.status == "failed"
        assert run.refusal is not None
        assert run.refusal.code == code
        assert said in run.refusal.detail
        assert [event["status"] for event in await finished_events(workshop.database, owner)] == ["failed"]

    @pytest.mark.parametrize(
        ("task", "code"),
        [
            (Task(terms(start=date(1999, 1, 4), end=date(1999, 12, 30)), rules()), "no_bars"),
            (Task(terms(start=date(2015, 1, 5), end=date(2015, 1, 9)), rules()), "period_too_short"),
            (Task(terms(end=date(2015, 4, 1)), rules(entry="close > sma(200)")), "not_enough_history"),
        ],
    )
    async def test_a_period_of_too_few_bars_is_refused_with_the_days_that_there_are(
        self, workshop: Workshop, task: Task, code: str
    ) -> None:
        run = await executed(workshop, uuid4(), task)
        assert run.refusal is not None
        assert run.refusal.code == code
        assert run.refusal.detail.endswith("There are 1,000 daily bars from 2015-01-05 to 2018-11-02.")

    async def test_bars_that_contradict_themselves_end_the_run(
        self, workshop: Workshop, neighbours: Neighbours
    ) -> None:
        broken = a_walk(7)
        broken["close"][500] = -1
        neighbours.bars["005930"] = broken
        run = await executed(workshop, uuid4())
        assert run.refusal is not None
        assert run.refusal.code == "bars_unusable"

    @pytest.mark.requirement("R-24")
    async def test_a_run_waits_while_market_is_away_and_is_computed_after(
        self, workshop: Workshop, neighbours: Neighbours
    ) -> None:
        owner, message = uuid4(), new_id()
        run = await queued(workshop.database, owner)
        neighbours.market_status = 503
        with pytest.raises(Unavailable):
            await execute_run(workshop, Errand(owner, run.id, message))
        assert (await found(workshop.database, owner, run.id)).status == "running"
        neighbours.market_status = 200
        await execute_run(workshop, Errand(owner, run.id, message))
        assert (await found(workshop.database, owner, run.id)).status == "done"

    async def test_a_run_nobody_finishes_ends_after_an_hour_and_makes_room(self, database: Database) -> None:
        owner = uuid4()
        run = await queued(database, owner)
        for late, ended in ((RUN_SECONDS_MAX - 5, 0), (RUN_SECONDS_MAX + 5, 1), (RUN_SECONDS_MAX + 5, 0)):
            async with database.system() as session:
                assert await expire_runs(session, now() + timedelta(seconds=late)) == ended
        failed = await found(database, owner, run.id)
        assert failed.refusal is not None
        assert failed.refusal.code == "not_finished_in_time"
        assert len(await finished_events(database, owner)) == 1
        async with database.owned(owner) as session:
            assert await runs.lock_waiting(session, owner) == Waiting(0, 0)


@pytest.mark.requirement("R-15")
class TestComingAgain:
    async def test_a_finished_run_is_not_computed_again(self, workshop: Workshop, neighbours: Neighbours) -> None:
        owner = uuid4()
        run = await queued(workshop.database, owner)
        message = new_id()
        for _ in range(3):
            await execute_run(workshop, Errand(owner, run.id, message))
        assert len(neighbours.questions) == 1
        assert len(await finished_events(workshop.database, owner)) == 1
        async with workshop.database.system() as session:
            taken = await session.scalar(text("SELECT count(*) FROM inbox WHERE message_id = :id"), {"id": message})
        assert taken == 1

    async def test_two_workers_with_the_same_run_end_it_once(self, workshop: Workshop) -> None:
        owner = uuid4()
        run = await queued(workshop.database, owner)
        await asyncio.gather(*(execute_run(workshop, Errand(owner, run.id, new_id())) for _ in range(3)))
        assert (await found(workshop.database, owner, run.id)).status == "done"
        assert len(await finished_events(workshop.database, owner)) == 1

    async def test_a_run_that_expired_while_it_was_computed_stays_failed(self, workshop: Workshop) -> None:
        owner = uuid4()
        run = await queued(workshop.database, owner)

        async def slow(asked: object) -> object:
            async with workshop.database.system() as session:
                await expire_runs(session, now() + timedelta(seconds=RUN_SECONDS_MAX + 5))
            return await workshop.history_of(asked)  # type: ignore[arg-type]

        await execute_run(replace(workshop, history_of=slow), Errand(owner, run.id, new_id()))  # type: ignore[arg-type]
        assert (await found(workshop.database, owner, run.id)).status == "failed"
        assert len(await finished_events(workshop.database, owner)) == 1

    async def test_a_run_that_is_no_more_is_let_go(self, workshop: Workshop, neighbours: Neighbours) -> None:
        await execute_run(workshop, Errand(uuid4(), RunId(new_id()), new_id()))
        assert neighbours.questions == []


async def test_a_result_is_written_whole_or_not_at_all(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = uuid4()
    run = await queued(workshop.database, owner, a_sweep())
    await execute_run(workshop, Errand(owner, run.id, new_id()))
    monkeypatch.setattr(gathering, "trial_of", lambda grid, row: Trial({"fast": 10, "slow": 40}, None))  # type: ignore[arg-type]
    with pytest.raises(Exception, match="metrics"):
        await work_off(workshop, queue_of(workshop))
    assert (await found(workshop.database, owner, run.id)).status == "running"
    async with workshop.database.owned(owner) as session:
        assert await results.find(session, owner, run.id) is None
    assert await finished_events(workshop.database, owner) == []

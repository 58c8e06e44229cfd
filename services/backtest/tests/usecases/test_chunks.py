"""Sweeps are cut into chunks; tickets are worked off in turns, survive any death, and come to one result."""

from dataclasses import replace
from io import BytesIO
from uuid import UUID, uuid4

import polars as pl
import pytest
from backtest.domain import run as bounds
from backtest.domain.chunk import TRIES_MAX
from backtest.domain.run import Run, RunId, Task
from backtest.domain.search import Folds, Search, Walk
from backtest.errors import AlreadyFinished, StillRunning, StorageFull, TooManyTrials
from backtest.store import chunks, results, runs
from backtest.usecases import compute_chunk as computing
from backtest.usecases import queue_run as queueing
from backtest.usecases.cancel_run import cancel_run
from backtest.usecases.compute_chunk import compute_chunk
from backtest.usecases.execute_run import Errand, execute_run
from backtest.usecases.remove_run import remove_run
from backtest.workshop import Workshop
from kit.clock import now
from kit.ids import new_id
from sqlalchemy import text

from services.backtest.tests.builders import CROSS, a_sweep, events_of, terms
from services.backtest.tests.people import Queue, executed, found, queued, work_off

MANY = {"fast": list(range(5, 45)), "slow": list(range(50, 90))}
"""1,600 combinations: four chunks."""


async def divided(workshop: Workshop, owner: UUID, task: Task | None = None) -> Run:
    run = await queued(workshop.database, owner, task or a_sweep(grid=MANY))
    await execute_run(workshop, Errand(owner, run.id, new_id()))
    return await found(workshop.database, owner, run.id)


async def trials_of(workshop: Workshop, owner: UUID, run_id: RunId) -> pl.DataFrame:
    async with workshop.database.owned(owner) as session:
        body = await results.find_file(session, owner, run_id, results.TRIALS_FILE)
    assert body is not None
    return pl.read_parquet(BytesIO(body))


async def owners_served(workshop: Workshop) -> list[UUID]:
    async with workshop.database.system() as session:
        served = text("SELECT owner_id FROM chunks WHERE claimed_at IS NOT NULL ORDER BY claimed_at")
        return list((await session.execute(served)).scalars())


class TestDividing:
    async def test_each_chunk_has_a_ticket_and_progress_is_seen_after_each(
        self, workshop: Workshop, queue: Queue
    ) -> None:
        owner = uuid4()
        run = await divided(workshop, owner)
        assert (run.status, run.done, len(queue.tickets)) == ("running", 0, 4)
        seen = []
        while queue.tickets:
            await compute_chunk(workshop, queue.tickets.popleft())
            seen.append((await found(workshop.database, owner, run.id)).done)
        assert seen == [500, 1000, 1500, 1600]
        assert (await found(workshop.database, owner, run.id)).status == "done"

    async def test_a_request_that_comes_again_cuts_nothing_anew(self, workshop: Workshop, queue: Queue) -> None:
        owner = uuid4()
        run = await divided(workshop, owner)
        await compute_chunk(workshop, queue.tickets.popleft())
        await execute_run(workshop, Errand(owner, run.id, new_id()))
        again = await found(workshop.database, owner, run.id)
        assert (again.done, len(queue.tickets)) == (500, 3 + 3)
        assert await work_off(workshop, queue) == 6
        assert len(await trials_of(workshop, owner, run.id)) == 1_600

    async def test_what_is_needed_to_compute_is_forgotten_when_the_run_has_ended(self, workshop: Workshop) -> None:
        run = await executed(workshop, (owner := uuid4()), a_sweep())
        async with workshop.database.owned(owner) as session:
            assert await chunks.find_material(session, owner, run.id) is None
            assert await chunks.list_bodies(session, owner, run.id) == []

    @pytest.mark.requirement("R-35")
    async def test_a_run_beyond_what_one_may_compute_is_refused_with_what_would_fit(self, workshop: Workshop) -> None:
        wide = {"fast": list(range(1, 501)), "slow": list(range(1, 101))}
        task = replace(a_sweep(grid=wide), search=Search(folds=Folds(5, 10)))
        run = await executed(workshop, uuid4(), task)
        assert run.refusal is not None
        assert run.refusal.code == "too_many_trials"
        assert "ask for 25,000 combinations or fewer on these bars" in run.refusal.detail


@pytest.mark.requirement("R-15")
class TestDying:
    async def test_a_ticket_that_comes_again_takes_up_the_chunk_it_had(self, workshop: Workshop, queue: Queue) -> None:
        owner = uuid4()
        run = await divided(workshop, owner)
        ticket = queue.tickets[0]
        chunk = await computing._claim(workshop, ticket)  # the computer dies here
        assert chunk is not None
        again = await computing._claim(workshop, ticket)
        assert again == replace(chunk, tries=2)
        assert await work_off(workshop, queue) == 4
        assert (await found(workshop.database, owner, run.id)).status == "done"
        found_trials = await trials_of(workshop, owner, run.id)
        assert found_trials.select("fast", "slow").is_duplicated().sum() == 0
        assert len(found_trials) == 1_600

    async def test_a_chunk_that_is_done_is_not_computed_again(
        self, workshop: Workshop, queue: Queue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await divided(workshop, uuid4())
        ticket = queue.tickets.popleft()
        await compute_chunk(workshop, ticket)
        monkeypatch.setattr(computing, "_work", lambda *_: pytest.fail("computed twice"))
        await compute_chunk(workshop, ticket)

    async def test_the_last_ticket_gathers_if_its_computer_died_before(
        self, workshop: Workshop, queue: Queue, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owner = uuid4()
        run = await divided(workshop, owner, a_sweep())
        ticket = queue.tickets.popleft()

        async def dies(*_: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(computing, "gather_chunks", dies)
            with pytest.raises(KeyboardInterrupt):
                await compute_chunk(workshop, ticket)
        assert (await found(workshop.database, owner, run.id)).status == "running"
        await compute_chunk(workshop, ticket)
        assert (await found(workshop.database, owner, run.id)).status == "done"

    async def test_a_chunk_that_kills_every_computer_ends_its_run(self, workshop: Workshop, queue: Queue) -> None:
        owner = uuid4()
        run = await divided(workshop, owner)
        for _ in range(TRIES_MAX):
            assert await computing._claim(workshop, queue.tickets[0]) is not None
        await compute_chunk(workshop, queue.tickets[0])
        ended = await found(workshop.database, owner, run.id)
        assert ended.refusal == computing.GIVEN_UP

    async def test_the_file_of_a_sweep_is_the_same_however_its_chunks_came_to_be_computed(
        self, workshop: Workshop, queue: Queue
    ) -> None:
        owner, other = uuid4(), uuid4()
        straight, crooked = await executed(workshop, owner, a_sweep(grid=MANY)), await divided(workshop, other)
        for ticket in list(queue.tickets)[2:]:
            await computing._claim(workshop, ticket)
        queue.tickets.reverse()
        await work_off(workshop, queue)
        one = await trials_of(workshop, owner, straight.id)
        assert one.equals(await trials_of(workshop, other, crooked.id))


@pytest.mark.requirement("R-32")
class TestSharing:
    async def test_two_people_take_turns_however_many_chunks_one_has(self, workshop: Workshop, queue: Queue) -> None:
        first, second = uuid4(), uuid4()
        await divided(workshop, first)
        await compute_chunk(workshop, queue.tickets.popleft())
        await divided(workshop, second)
        for _ in range(5):
            await compute_chunk(workshop, queue.tickets.popleft())
        assert await owners_served(workshop) == [first, second, first, second, first, second]

    async def test_an_owner_may_have_so_many_trials_under_way(
        self, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owner = uuid4()
        monkeypatch.setattr(queueing, "TRIALS_WAITING_MAX", 1_605)
        await divided(workshop, owner)
        with pytest.raises(TooManyTrials, match="5 more fit now"):
            await queued(workshop.database, owner, a_sweep())

    async def test_files_have_a_quota_and_removing_a_run_makes_room(
        self, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        owner = uuid4()
        run = await executed(workshop, owner, a_sweep())
        async with workshop.database.owned(owner) as session:
            used = await results.find_bytes(session, owner)
        assert 0 < used < bounds.FILES_BYTES_MAX
        monkeypatch.setattr(queueing, "FILES_BYTES_MAX", used + 100)
        with pytest.raises(StorageFull):
            await queued(workshop.database, owner, a_sweep())
        async with workshop.database.owned(owner) as session:
            await remove_run(session, owner, run.id)
            assert await results.find_bytes(session, owner) == 0
            assert await runs.find(session, owner, run.id) is None


class TestCanceling:
    async def test_a_canceled_run_ends_at_once_and_what_is_under_way_is_dropped(
        self, workshop: Workshop, queue: Queue
    ) -> None:
        owner = uuid4()
        run = await divided(workshop, owner)
        await compute_chunk(workshop, queue.tickets.popleft())
        for _ in range(2):
            async with workshop.database.owned(owner) as session:
                assert (await cancel_run(session, owner, run.id, now())).status == "canceled"
        await work_off(workshop, queue)
        assert (await found(workshop.database, owner, run.id)).status == "canceled"
        kinds = [kind for kind, _ in await events_of(workshop.database, owner)]
        assert kinds == ["backtest.run.requested.v1", "backtest.run.canceled.v1"]

    async def test_what_has_ended_is_not_canceled_and_what_has_not_is_not_removed(self, workshop: Workshop) -> None:
        owner = uuid4()
        done, underway = await executed(workshop, owner), await divided(workshop, owner)
        async with workshop.database.owned(owner) as session:
            with pytest.raises(AlreadyFinished):
                await cancel_run(session, owner, done.id, now())
            with pytest.raises(StillRunning):
                await remove_run(session, owner, underway.id)


class TestSearching:
    async def test_a_draw_is_made_of_the_grid_and_repeats_with_its_seed(self, workshop: Workshop) -> None:
        search = Search("random", 50, seed=7)
        drawn = []
        for _ in range(2):
            owner = uuid4()
            run = await executed(workshop, owner, replace(a_sweep(grid=MANY), search=search))
            drawn.append(await trials_of(workshop, owner, run.id))
        assert len(drawn[0]) == 50
        assert drawn[0].equals(drawn[1])
        assert drawn[0]["fast"].is_in(MANY["fast"]).all()

    async def test_a_study_learns_over_its_chunks_and_ends_with_all_its_trials(
        self, workshop: Workshop, queue: Queue
    ) -> None:
        owner = uuid4()
        task = replace(a_sweep(grid=MANY, objective="sharpe"), search=Search("tpe", 60, seed=1))
        run = await divided(workshop, owner, task)
        assert len(queue.tickets) == 1
        assert await work_off(workshop, queue) == 3
        assert (await found(workshop.database, owner, run.id)).status == "done"
        tried = await trials_of(workshop, owner, run.id)
        assert len(tried) == 60
        later = tried.sort("sharpe", descending=True, nulls_last=True)
        assert later["sharpe"].equals(tried["sharpe"])

    async def test_trials_that_break_a_constraint_rank_behind_all_that_keep_it(self, workshop: Workshop) -> None:
        owner = uuid4()
        run = await executed(workshop, owner, replace(a_sweep(grid=MANY), search=Search(trades_min=12)))
        tried = await trials_of(workshop, owner, run.id)
        keeps = (tried["trades"] >= 12).to_list()
        assert keeps == sorted(keeps, reverse=True)
        assert len(set(keeps)) == 2

    async def test_a_sweep_says_how_likely_its_best_trial_is_skill(self, workshop: Workshop) -> None:
        owner = uuid4()
        run = await executed(workshop, owner, a_sweep(grid=MANY, objective="sharpe"))
        async with workshop.database.owned(owner) as session:
            head = await results.find(session, owner, run.id)
        assert head is not None
        assert 0 < head.details["deflated_sharpe"] < 0.95

    @pytest.mark.parametrize("search", [Search(walk=Walk(250, 100)), Search(folds=Folds(5, 10))])
    async def test_a_choice_is_tested_on_days_it_was_not_made_on(self, workshop: Workshop, search: Search) -> None:
        owner = uuid4()
        grid = {"fast": [5, 10, 20], "slow": [40, 60]}
        run = await executed(workshop, owner, Task(terms(), CROSS, grid, "sharpe", search=search))
        assert (run.status, run.task.search) == ("done", search)
        async with workshop.database.owned(owner) as session:
            head = await results.find(session, owner, run.id)
            curve = await results.list_equity(session, owner, run.id, 0, 2_000)
        assert head is not None
        parts = head.details["windows" if search.walk else "folds"]
        assert len(parts) == (7 if search.walk else 5)
        assert len(curve) == head.basis.bars == (700 if search.walk else 1_000)

    async def test_a_walk_that_does_not_fit_its_bars_ends_with_the_reason(self, workshop: Workshop) -> None:
        task = Task(terms(), CROSS, {"fast": [5], "slow": [40]}, "sharpe", search=Search(walk=Walk(5_000, 100)))
        run = await executed(workshop, uuid4(), task)
        assert run.refusal is not None
        assert run.refusal.code == "does_not_fit"

"""Compute the chunk that a ticket stands for, in phases: claim (commit), compute, save (commit), and gather the last.

A ticket takes the chunk whose owner has waited longest, and keeps it: when the computer dies, the message bus gives the
ticket to another one, which takes up the same chunk. A chunk that is done is not computed again.
"""

from dataclasses import replace
from uuid import UUID

import structlog
from quant.rules import RuleError

from backtest.domain.chunk import TRIES_MAX, Chunk
from backtest.domain.ground import Ground, basis_on, ground_of, try_on
from backtest.domain.outcome import Tested
from backtest.domain.run import Refusal, Run, Task
from backtest.domain.search import STUDY_CHUNK_TRIALS, combinations_of
from backtest.domain.table import packed, table_of, unpacked
from backtest.domain.validation import validate
from backtest.limits import OutOfBounds
from backtest.store import chunks, runs, system
from backtest.usecases.fail_run import fail_run
from backtest.usecases.finish_run import finish_run
from backtest.usecases.gather_chunks import gather_chunks
from backtest.workshop import Workshop

GIVEN_UP = Refusal(
    "given_up", "A part of this run could not be computed, however often it was tried; ask for fewer combinations."
)

log = structlog.get_logger()


async def compute_chunk(workshop: Workshop, ticket: UUID) -> None:
    chunk = await _claim(workshop, ticket)
    if chunk is None:
        return
    found = await _material(workshop, chunk)
    if found is None:
        return
    run, ground, before = found
    try:
        if not chunk.is_done:
            await _compute(workshop, chunk, run, (ground, before))
        await _go_on(workshop, chunk, run, ground)
    except OutOfBounds as refused:
        await _fail(workshop, chunk, Refusal(refused.code, str(refused)))
    except ValueError as unusable:
        log.warning("a chunk does not fit its bars", run_id=str(chunk.run_id), exc_info=unusable)
        code = "invalid_rule" if isinstance(unusable, RuleError) else "does_not_fit"
        await _fail(workshop, chunk, Refusal(code, str(unusable)))


async def _claim(workshop: Workshop, ticket: UUID) -> Chunk | None:
    """The ticket's chunk, or the next one; None when there is nothing to do."""
    async with workshop.database.system() as session:
        chunk = await system.lock_chunk_of(session, ticket) or await system.lock_next_chunk(session)
        if chunk is None or chunk.is_done:
            return chunk
        await system.save_claim(session, chunk, ticket, workshop.clock())
    if chunk.tries >= TRIES_MAX:
        await _fail(workshop, chunk, GIVEN_UP)
        return None
    return replace(chunk, tries=chunk.tries + 1)


async def _material(workshop: Workshop, chunk: Chunk) -> tuple[Run, Ground, list[bytes]] | None:
    """The run, its bars, and, for a study that learns, what is known already; None when the run has ended."""
    async with workshop.database.owned(chunk.owner) as session:
        run = await runs.find(session, chunk.owner, chunk.run_id)
        if run is None or run.is_finished:
            return None
        body = await chunks.find_material(session, chunk.owner, chunk.run_id)
        learned = run.task.search.method == "tpe" and run.task.kind == "optimize"
        before = await chunks.list_bodies(session, chunk.owner, chunk.run_id) if learned else []
    return None if body is None else (run, ground_of(body), before)


async def _compute(workshop: Workshop, chunk: Chunk, run: Run, given: tuple[Ground, list[bytes]]) -> None:
    with workshop.bounds():
        found = _work(chunk, run.task, *given)
    if isinstance(found, Tested):
        basis = basis_on(run.task, given[0], workshop.code_version)
        tested = replace(basis, bars=len(found.dates), first_date=found.dates[0], last_date=found.dates[-1])
        async with workshop.database.owned(chunk.owner) as session:
            await finish_run(session, chunk.owner, run.id, (tested, found), workshop.clock())
        return
    async with workshop.database.owned(chunk.owner) as session:
        locked = await runs.lock(session, chunk.owner, run.id)
        if locked is None or locked.is_finished:
            return
        await chunks.save(session, chunk.owner, (run.id, chunk.number), found, workshop.clock())
        await runs.save_progress(session, chunk.owner, run.id, await chunks.find_done(session, chunk.owner, run.id))
        left = run.task.total - chunk.first - chunk.size
        if run.task.search.method == "tpe" and left > 0:
            following = (chunk.first + chunk.size, min(STUDY_CHUNK_TRIALS, left))
            await chunks.save_new(session, chunk.owner, (run.id, chunk.number + 1), following)


def _work(chunk: Chunk, task: Task, ground: Ground, before: list[bytes]) -> Tested | bytes:
    """The figures of the chunk's trials; the whole result of what is one piece of work."""
    assert task.grid is not None, "only what tries combinations is divided"
    if task.kind != "optimize":
        return validate(task, ground)
    if task.search.method == "tpe":
        known = [row for body in before for row in unpacked(body)]
        from backtest.study import learn  # noqa: PLC0415 - optuna takes 30 MB, and few studies learn

        return packed(table_of(task.grid, learn(task, ground, known, chunk.size)))
    combinations = combinations_of(task.grid, task.search, chunk.first, chunk.size)
    return packed(table_of(task.grid, try_on(task, ground, combinations)))


async def _go_on(workshop: Workshop, chunk: Chunk, run: Run, ground: Ground) -> None:
    """Gather what all chunks came to after the last; hand out the next ticket of a study that learns."""
    async with workshop.database.owned(chunk.owner) as session:
        done = await chunks.find_done(session, chunk.owner, run.id)
        waiting = await chunks.find_unclaimed(session, chunk.owner, run.id)
    if done == run.task.total:
        await gather_chunks(workshop, chunk.owner, run, ground)
    elif run.task.search.method == "tpe" and waiting:
        await workshop.hand_out(1)


async def _fail(workshop: Workshop, chunk: Chunk, refusal: Refusal) -> None:
    async with workshop.database.owned(chunk.owner) as session:
        await fail_run(session, chunk.owner, chunk.run_id, refusal, workshop.clock())

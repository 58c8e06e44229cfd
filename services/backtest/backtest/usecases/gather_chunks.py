"""Rank what all chunks of a run came to, ask how much of it is luck, and keep the result."""

from math import isfinite
from uuid import UUID

from backtest.domain.ground import Ground, basis_on, luck_of
from backtest.domain.outcome import Sweep
from backtest.domain.run import Run, Task
from backtest.domain.table import column, ranked, trial_of, unpacked
from backtest.store import chunks
from backtest.trials_file import trials_file
from backtest.usecases.finish_run import finish_run
from backtest.workshop import Workshop

TRIALS_LISTED_MAX = 5_000
"""Trials that can be paged through, the best; the file has all of them."""


async def gather_chunks(workshop: Workshop, owner: UUID, run: Run, ground: Ground) -> None:
    async with workshop.database.owned(owner) as session:
        bodies = await chunks.list_bodies(session, owner, run.id)
    with workshop.bounds():
        outcome = _sweep_of(run.task, ground, b"".join(bodies))
    basis = basis_on(run.task, ground, workshop.code_version)
    async with workshop.database.owned(owner) as session:
        await finish_run(session, owner, run.id, (basis, outcome), workshop.clock())


def _sweep_of(task: Task, ground: Ground, body: bytes) -> Sweep:
    assert task.grid is not None, "a sweep has a grid"
    assert task.objective is not None, "and a figure to rank by"
    table = ranked(unpacked(body), task.search, task.objective)
    best = [trial_of(task.grid, row) for row in table[:TRIALS_LISTED_MAX]]
    sharpes = [value for value in column(table, "sharpe").tolist() if isfinite(value)]
    return Sweep(best, luck_of(task, ground, best[0].parameters, sharpes), trials_file(task.grid, table))

"""What a person and the worker do between them: ask, compute, look."""

from uuid import UUID

from backtest.domain.run import Run, RunId, Task
from backtest.store import runs
from backtest.usecases.execute_run import Errand, execute_run
from backtest.usecases.queue_run import queue_run
from backtest.workshop import Workshop
from kit.clock import now
from kit.db import Database
from kit.ids import new_id

from services.backtest.tests.builders import A_BACKTEST


async def queued(database: Database, owner: UUID, task: Task = A_BACKTEST) -> Run:
    async with database.owned(owner) as session:
        return await queue_run(session, owner, task, now())


async def executed(workshop: Workshop, owner: UUID, task: Task = A_BACKTEST) -> Run:
    run = await queued(workshop.database, owner, task)
    await execute_run(workshop, Errand(owner, run.id, new_id()))
    return await found(workshop.database, owner, run.id)


async def found(database: Database, owner: UUID, run_id: RunId) -> Run:
    async with database.owned(owner) as session:
        run = await runs.find(session, owner, run_id)
    assert run is not None
    return run

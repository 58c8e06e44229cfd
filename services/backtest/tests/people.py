"""What a person and the worker do between them: ask, compute, look."""

from collections import deque
from uuid import UUID

from backtest.domain.run import Run, RunId, Task
from backtest.store import runs
from backtest.usecases.compute_chunk import compute_chunk
from backtest.usecases.execute_run import Errand, execute_run
from backtest.usecases.queue_run import queue_run
from backtest.workshop import Workshop
from kit.clock import now
from kit.db import Database
from kit.ids import new_id

from services.backtest.tests.builders import A_BACKTEST


class Queue:
    """Tickets that were handed out, in order; the tests take them as computers would."""

    def __init__(self) -> None:
        self.tickets: deque[UUID] = deque()

    async def hand_out(self, count: int) -> None:
        self.tickets.extend(new_id() for _ in range(count))


async def work_off(workshop: Workshop, queue: Queue) -> int:
    """Compute chunk after chunk until there are no tickets; return how many there were."""
    count = 0
    while queue.tickets:
        await compute_chunk(workshop, queue.tickets.popleft())
        count += 1
    return count


async def queued(database: Database, owner: UUID, task: Task = A_BACKTEST) -> Run:
    async with database.owned(owner) as session:
        return await queue_run(session, owner, task, now())


async def executed(workshop: Workshop, owner: UUID, task: Task = A_BACKTEST) -> Run:
    run = await queued(workshop.database, owner, task)
    await execute_run(workshop, Errand(owner, run.id, new_id()))
    await work_off(workshop, queue_of(workshop))
    return await found(workshop.database, owner, run.id)


def queue_of(workshop: Workshop) -> Queue:
    """The queue that a workshop of these tests hands its tickets to."""
    queue: Queue = workshop.hand_out.__self__  # type: ignore[attr-defined]
    return queue


async def found(database: Database, owner: UUID, run_id: RunId) -> Run:
    async with database.owned(owner) as session:
        run = await runs.find(session, owner, run_id)
    assert run is not None
    return run

"""Let a task wait for a worker, unless its owner has as much waiting or kept as one may have."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record
from kit.ids import new_id

from backtest.domain.run import FILES_BYTES_MAX, RUNS_WAITING_MAX, TRIALS_WAITING_MAX, Run, RunId, Task
from backtest.domain.strategy import StrategyId
from backtest.domain.table import file_row_bytes
from backtest.errors import StorageFull, TooManyRuns, TooManyTrials
from backtest.events import RunRequested
from backtest.store import results, runs


async def queue_run(
    session: Session, owner: UUID, task: Task, now: datetime, strategy_id: StrategyId | None = None
) -> Run:
    waiting = await runs.lock_waiting(session, owner)
    if waiting.runs >= RUNS_WAITING_MAX:
        raise TooManyRuns
    if waiting.trials + task.total > TRIALS_WAITING_MAX:
        raise TooManyTrials(TRIALS_WAITING_MAX - waiting.trials)
    if task.kind == "optimize":
        left = FILES_BYTES_MAX - await results.find_bytes(session, owner)
        if (needed := task.total * file_row_bytes(task)) > left:
            raise StorageFull(needed, max(left, 0))
    run = Run.requested(RunId(new_id()), task, now, strategy_id)
    await runs.save(session, owner, run)
    await record(session, RunRequested(run_id=run.id, kind=task.kind), owner=owner)
    return run

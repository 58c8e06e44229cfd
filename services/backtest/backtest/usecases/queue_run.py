"""Let a task wait for a worker, unless its owner has too many waiting already."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record
from kit.ids import new_id

from backtest.domain.run import RUNS_WAITING_MAX, Run, RunId, Task
from backtest.domain.strategy import StrategyId
from backtest.errors import TooManyRuns
from backtest.events import RunRequested
from backtest.store import runs


async def queue_run(
    session: Session, owner: UUID, task: Task, now: datetime, strategy_id: StrategyId | None = None
) -> Run:
    if await runs.lock_waiting(session, owner) >= RUNS_WAITING_MAX:
        raise TooManyRuns
    run = Run.requested(RunId(new_id()), task, now, strategy_id)
    await runs.save(session, owner, run)
    await record(session, RunRequested(run_id=run.id, kind=task.kind), owner=owner)
    return run

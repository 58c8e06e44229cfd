"""End runs that nobody finishes, whatever became of their messages: every run ends, and makes room in the queue."""

from datetime import datetime, timedelta

from kit.db import Session
from kit.events import record

from backtest.domain.run import OVERDUE, RUN_SECONDS_MAX
from backtest.events import RunFinished
from backtest.store import chunks, runs, system


async def expire_runs(session: Session, now: datetime) -> int:
    """Return how many were ended."""
    overdue = await system.lock_overdue(session, now - timedelta(seconds=RUN_SECONDS_MAX))
    for owner, run in overdue:
        failed = run.ended(now, OVERDUE)
        await runs.save(session, owner, failed)
        await chunks.delete_all(session, owner, run.id)
        fact = RunFinished(run_id=run.id, kind=run.task.kind, status="failed", summary=None)
        await record(session, fact, owner=owner)
    return len(overdue)

"""End a run for a reason, unless it has ended already."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from backtest.domain.run import Refusal, RunId
from backtest.events import RunFinished
from backtest.store import chunks, runs


async def fail_run(session: Session, owner: UUID, run_id: RunId, refusal: Refusal, now: datetime) -> None:
    run = await runs.lock(session, owner, run_id)
    if run is None or run.is_finished:
        return
    failed = run.ended(now, refusal)
    await runs.save(session, owner, failed)
    await chunks.delete_all(session, owner, run_id)
    await record(session, RunFinished(run_id=run_id, kind=run.task.kind, status="failed", summary=None), owner=owner)

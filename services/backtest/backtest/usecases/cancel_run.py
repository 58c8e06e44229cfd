"""End a run that its owner wants no more of; what computers still bring of it is dropped."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from backtest.domain.run import Run, RunId
from backtest.errors import AlreadyFinished, RunNotFound
from backtest.events import RunCanceled
from backtest.store import chunks, runs


async def cancel_run(session: Session, owner: UUID, run_id: RunId, now: datetime) -> Run:
    """Return the canceled run; canceling it again changes nothing."""
    run = await runs.lock(session, owner, run_id)
    if run is None:
        raise RunNotFound("You have no run with this id.")
    if run.status == "canceled":
        return run
    if run.is_finished:
        raise AlreadyFinished(f"The run is {run.status}; what it came to stays until you remove it.")
    canceled = run.canceled(now)
    await runs.save(session, owner, canceled)
    await chunks.delete_all(session, owner, run_id)
    await record(session, RunCanceled(run_id=run_id, kind=run.task.kind), owner=owner)
    return canceled

"""Forget a run that has ended, with everything it came to: it makes room for others."""

from uuid import UUID

from kit.db import Session

from backtest.domain.run import RunId
from backtest.errors import RunNotFound, StillRunning
from backtest.store import runs


async def remove_run(session: Session, owner: UUID, run_id: RunId) -> None:
    run = await runs.lock(session, owner, run_id)
    if run is None:
        raise RunNotFound("You have no run with this id.")
    if not run.is_finished:
        raise StillRunning(f"The run is {run.status}; cancel it with DELETE /api/v1/backtest/jobs/{run_id} first.")
    await runs.delete(session, owner, run_id)

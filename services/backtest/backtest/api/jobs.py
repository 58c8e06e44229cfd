"""/api/v1/backtest/jobs: how far a run has come, and its end before it is done."""

from typing import Self
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession, Session
from kit.errors import AUTHENTICATED, responses
from pydantic import BaseModel

from backtest.domain.run import Kind, Run, RunId, Status
from backtest.errors import AlreadyFinished, RunNotFound
from backtest.store import runs
from backtest.usecases.cancel_run import cancel_run

router = APIRouter(prefix="/api/v1/backtest/jobs", tags=["runs"])


class Progress(BaseModel):
    """Simulations done, of how many."""

    done: int
    total: int


class JobError(BaseModel):
    """Why a run failed: a stable word, and what to do."""

    code: str
    detail: str


class Job(BaseModel):
    """A run on its way; `error` is null unless it failed."""

    id: UUID
    kind: Kind
    status: Status
    progress: Progress
    error: JobError | None

    @classmethod
    def of(cls, run: Run) -> Self:
        refusal = run.refusal
        return cls(
            id=run.id,
            kind=run.task.kind,
            status=run.status,
            progress=Progress(done=run.done, total=run.task.total),
            error=None if refusal is None else JobError(code=refusal.code, detail=refusal.detail),
        )


async def job_of(session: Session, owner: UUID, run_id: RunId) -> Job:
    """The job of a run; RunNotFound when this owner has none of that id."""
    run = await runs.find(session, owner, run_id)
    if run is None:
        raise RunNotFound("You have no run with this id.")
    return Job.of(run)


@router.get("/{run_id}", responses={**AUTHENTICATED, **responses(RunNotFound)})
async def get_job(run_id: UUID, session: OwnedSession, user: CurrentUser) -> Job:
    """Show how far a backtest or a sweep has come."""
    return await job_of(session, user.user_id, RunId(run_id))


@router.delete("/{run_id}", responses={**AUTHENTICATED, **responses(RunNotFound, AlreadyFinished)})
async def cancel_job(run_id: UUID, session: OwnedSession, user: CurrentUser) -> Job:
    """End a run that is not finished; nothing of it is kept. Canceling it again changes nothing."""
    return Job.of(await cancel_run(session, user.user_id, RunId(run_id), now()))

"""/api/v1/backtest/jobs: how far a run has come."""

from typing import Self
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from pydantic import BaseModel

from backtest.domain.run import Kind, Run, RunId, Status
from backtest.errors import RunNotFound
from backtest.store import runs

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


@router.get("/{run_id}", responses={**AUTHENTICATED, **responses(RunNotFound)})
async def get_job(run_id: UUID, session: OwnedSession, user: CurrentUser) -> Job:
    """Show how far a backtest or a sweep has come."""
    run = await runs.find(session, user.user_id, RunId(run_id))
    if run is None:
        raise RunNotFound("You have no run with this id.")
    return Job.of(run)

"""What both streams of progress share: a look at a job, and how many streams one person may have open."""

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from kit.db import Database

from backtest.api.jobs import Job, job_of
from backtest.domain.run import RunId
from backtest.errors import TooManyStreams
from backtest.store import runs

LOOK_SECONDS: Final = 0.5
STREAMS_MAX: Final = 5
"""Streams one person may have open at each process."""
FINAL: Final = frozenset({"done", "failed", "canceled"})

_open: Counter[UUID] = Counter()


def refuse_one_too_many(owner: UUID) -> None:
    """TooManyStreams when this person has as many open as one may."""
    if _open[owner] >= STREAMS_MAX:
        raise TooManyStreams(f"You follow jobs in {STREAMS_MAX} streams already; close one of these.")


@contextmanager
def counted(owner: UUID) -> Iterator[None]:
    """One more stream of this person, as long as it is open."""
    _open[owner] += 1
    try:
        yield
    finally:
        _open[owner] -= 1
        if not _open[owner]:
            del _open[owner]


async def look(database: Database, owner: UUID, run_id: UUID) -> Job:
    """The job as it is now; RunNotFound when this owner has none of that id."""
    async with database.owned(owner) as session:
        return await job_of(session, owner, RunId(run_id))


async def look_at_some(database: Database, owner: UUID, run_ids: Collection[UUID]) -> dict[UUID, Job]:
    """The same of several jobs at once; those that are no more are left out."""
    async with database.owned(owner) as session:
        found = await runs.list_some(session, owner, [RunId(run_id) for run_id in run_ids])
    return {run.id: Job.of(run) for run in found}


def kind_of(job: Job) -> str:
    """What a stream calls the news of a job."""
    return "end" if job.status in FINAL else "progress"

"""The one read without an owner: runs of everybody that should have ended long ago."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from sqlalchemy import select

from backtest.domain.run import Run
from backtest.store.runs import run_from
from backtest.store.tables import runs

OVERDUE_AT_A_TIME_MAX = 100


async def lock_overdue(session: Session, before: datetime) -> list[tuple[UUID, Run]]:
    """Return unfinished runs asked for before a moment, with their owners; those a worker is writing are left out."""
    query = select(runs).where(runs.c.finished_at.is_(None), runs.c.requested_at < before)
    locked = query.order_by(runs.c.requested_at).limit(OVERDUE_AT_A_TIME_MAX).with_for_update(skip_locked=True)
    return [(row["owner_id"], run_from(row)) for row in (await session.execute(locked)).mappings()]

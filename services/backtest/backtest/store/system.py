"""What is done without an owner: runs of everybody that should have ended long ago, and whose turn it is."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from sqlalchemy import RowMapping, func, select, update

from backtest.domain.chunk import Chunk
from backtest.domain.run import Run, RunId
from backtest.store.runs import run_from
from backtest.store.tables import chunks, runs

OVERDUE_AT_A_TIME_MAX = 100
_SHOWN = (chunks.c.run_id, chunks.c.number, chunks.c.owner_id, chunks.c.first, chunks.c.size, chunks.c.tries)


async def lock_overdue(session: Session, before: datetime) -> list[tuple[UUID, Run]]:
    """Return unfinished runs asked for before a moment, with their owners; those a worker is writing are left out."""
    query = select(runs).where(runs.c.finished_at.is_(None), runs.c.requested_at < before)
    locked = query.order_by(runs.c.requested_at).limit(OVERDUE_AT_A_TIME_MAX).with_for_update(skip_locked=True)
    return [(row["owner_id"], run_from(row)) for row in (await session.execute(locked)).mappings()]


async def lock_chunk_of(session: Session, ticket: UUID) -> Chunk | None:
    """Return the chunk that a ticket took before, done or not."""
    query = select(*_SHOWN, chunks.c.done_at).where(chunks.c.ticket == ticket).with_for_update()
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else _chunk(row)


async def lock_next_chunk(session: Session) -> Chunk | None:
    """Return a chunk that nobody has: of the owner whose last turn is longest ago; of their runs, the oldest."""
    turns = (
        select(chunks.c.owner_id, func.max(chunks.c.claimed_at).label("last")).group_by(chunks.c.owner_id).subquery()
    )
    query = (
        select(*_SHOWN, chunks.c.done_at)
        .join(turns, turns.c.owner_id == chunks.c.owner_id)
        .where(chunks.c.ticket.is_(None))
        .order_by(turns.c.last.nulls_first(), chunks.c.run_id, chunks.c.number)
        .limit(1)
        .with_for_update(of=chunks, skip_locked=True)
    )
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else _chunk(row)


async def save_claim(session: Session, chunk: Chunk, ticket: UUID, now: datetime) -> None:
    """Write that a ticket has taken a chunk, once more if it had before."""
    place = (chunks.c.run_id == chunk.run_id, chunks.c.number == chunk.number)
    await session.execute(update(chunks).where(*place).values(ticket=ticket, claimed_at=now, tries=chunks.c.tries + 1))


def _chunk(row: RowMapping) -> Chunk:
    return Chunk(
        run_id=RunId(row["run_id"]),
        number=row["number"],
        owner=row["owner_id"],
        first=row["first"],
        size=row["size"],
        tries=row["tries"],
        is_done=row["done_at"] is not None,
    )

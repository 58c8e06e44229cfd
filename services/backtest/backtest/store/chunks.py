"""Chunks of runs under way, and the bars they are computed on; of one owner at a time."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from backtest.domain.run import RunId
from backtest.store.tables import chunks, materials


async def save_all(
    session: Session, owner: UUID, run_id: RunId, pieces: list[tuple[int, int]], material: bytes
) -> None:
    """Write what a run is cut into (first trial, number of trials), and its bars."""
    await session.execute(insert(materials).values(run_id=run_id, owner_id=owner, body=material))
    for number, piece in enumerate(pieces):
        await save_new(session, owner, (run_id, number), piece)


async def save_new(session: Session, owner: UUID, place: tuple[RunId, int], piece: tuple[int, int]) -> None:
    """Write one more chunk of a run, unless it is there already."""
    key = {"run_id": place[0], "number": place[1], "owner_id": owner}
    fresh = insert(chunks).values(**key, first=piece[0], size=piece[1], tries=0)
    await session.execute(fresh.on_conflict_do_nothing())


async def find_material(session: Session, owner: UUID, run_id: RunId) -> bytes | None:
    """Return the bars of a run under way."""
    mine = (materials.c.owner_id == owner, materials.c.run_id == run_id)
    body: bytes | None = await session.scalar(select(materials.c.body).where(*mine))
    return body


async def find_unclaimed(session: Session, owner: UUID, run_id: RunId) -> int:
    """Count the chunks of a run that no ticket has taken."""
    mine = (chunks.c.owner_id == owner, chunks.c.run_id == run_id, chunks.c.ticket.is_(None))
    return int(await session.scalar(select(func.count()).select_from(chunks).where(*mine)) or 0)


async def find_done(session: Session, owner: UUID, run_id: RunId) -> int:
    """Count the trials of a run's chunks that are done."""
    mine = (chunks.c.owner_id == owner, chunks.c.run_id == run_id, chunks.c.done_at.is_not(None))
    return int(await session.scalar(select(func.coalesce(func.sum(chunks.c.size), 0)).where(*mine)) or 0)


async def save(session: Session, owner: UUID, place: tuple[RunId, int], body: bytes, now: datetime) -> None:
    """Write what a chunk came to, if nobody has yet."""
    mine = (chunks.c.owner_id == owner, chunks.c.run_id == place[0], chunks.c.number == place[1])
    await session.execute(update(chunks).where(*mine, chunks.c.done_at.is_(None)).values(body=body, done_at=now))


async def list_bodies(session: Session, owner: UUID, run_id: RunId) -> list[bytes]:
    """Return what all done chunks of a run came to, in the order of the search."""
    mine = (chunks.c.owner_id == owner, chunks.c.run_id == run_id, chunks.c.done_at.is_not(None))
    return list((await session.execute(select(chunks.c.body).where(*mine).order_by(chunks.c.number))).scalars())


async def delete_all(session: Session, owner: UUID, run_id: RunId) -> None:
    """Forget the chunks and the bars of a run that has ended."""
    for table in (chunks, materials):
        await session.execute(delete(table).where(table.c.owner_id == owner, table.c.run_id == run_id))

"""Watchlists: symbols somebody wants to see together."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session
from sqlalchemy import RowMapping, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from market.domain.screen import OwnerId
from market.store.tables import watchlists

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('watchlists:' || :owner, 0))")
SHOWN = (watchlists.c.id, watchlists.c.name, watchlists.c.symbols, watchlists.c.created_at)


async def lock_count(session: Session, owner: OwnerId, other_than: UUID) -> int:
    """Count the owner's other lists; until the commit nobody adds one."""
    await session.execute(LOCK, {"owner": str(owner)})
    mine = select(func.count()).where(watchlists.c.owner_id == owner, watchlists.c.id != other_than)
    return int(await session.scalar(mine) or 0)


async def save(
    session: Session, owner: OwnerId, list_id: UUID, name: str, symbols: Sequence[str], moment: datetime
) -> RowMapping:
    """Keep a list; one with the same id takes the new name and symbols. Returns what is stored."""
    values: dict[str, Any] = {"name": name, "symbols": list(symbols)}
    statement = insert(watchlists).values(owner_id=owner, id=list_id, created_at=moment, **values)
    statement = statement.on_conflict_do_update(index_elements=["owner_id", "id"], set_=values)
    return (await session.execute(statement.returning(*SHOWN))).mappings().one()


async def find(session: Session, owner: OwnerId, list_id: UUID) -> RowMapping | None:
    """Find one list of the owner."""
    statement = select(*SHOWN).where(watchlists.c.owner_id == owner, watchlists.c.id == list_id)
    return (await session.execute(statement)).mappings().one_or_none()


async def list_newest(session: Session, owner: OwnerId, limit: int, before: UUID | None) -> Sequence[RowMapping]:
    """List the newest first; ids are made in time's order."""
    statement = select(*SHOWN).where(watchlists.c.owner_id == owner)
    if before is not None:
        statement = statement.where(watchlists.c.id < before)
    return (await session.execute(statement.order_by(watchlists.c.id.desc()).limit(limit))).mappings().all()


async def delete_one(session: Session, owner: OwnerId, list_id: UUID) -> bool:
    """Delete a list; False when the owner has no such one."""
    statement = delete(watchlists).where(watchlists.c.owner_id == owner, watchlists.c.id == list_id)
    return (await session.execute(statement)).rowcount == 1

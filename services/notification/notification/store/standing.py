"""How each owner's orders, positions and balances stand, as they were announced last."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kit.db import Session
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from notification.domain.owner import OwnerId
from notification.domain.standing import Piece, is_over
from notification.store.tables import standing


async def save_all(session: Session, owner: OwnerId, pieces: Sequence[Piece]) -> None:
    """Keep the newest of each; what is over is forgotten."""
    latest = {(piece.type, piece.key): piece for piece in pieces}
    kept = [piece for piece in latest.values() if not is_over(piece)]
    if kept:
        rows = [{"owner_id": owner, "type": p.type, "key": p.key, "data": dict(p.data), "at": p.at} for p in kept]
        statement = upsert(standing).values(rows)
        newer = {"data": statement.excluded.data, "at": statement.excluded.at}
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["owner_id", "type", "key"], set_=newer, where=standing.c.at <= statement.excluded.at
            )
        )
    for piece in latest.values():
        if is_over(piece):
            mine = (standing.c.owner_id == owner, standing.c.type == piece.type, standing.c.key == piece.key)
            await session.execute(delete(standing).where(*mine))


async def list_all(session: Session, owner: OwnerId, kind: str) -> list[Mapping[str, Any]]:
    """List what there is of a kind: `order`, `position` or `balance`."""
    statement = select(standing.c.data).where(standing.c.owner_id == owner, standing.c.type == kind)
    return list((await session.scalars(statement.order_by(standing.c.key))).all())


async def find_newest(session: Session, owner: OwnerId) -> datetime | None:
    """Find when anything changed last."""
    statement = select(standing.c.at).where(standing.c.owner_id == owner).order_by(standing.c.at.desc()).limit(1)
    moment: datetime | None = await session.scalar(statement)
    return moment

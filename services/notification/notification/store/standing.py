"""How each owner's orders, positions and balances stand, as they were announced last."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kit.db import Session
from kit.json import dumps_text
from kit.sql import Statement
from sqlalchemy import select, text

from notification.domain.owner import OwnerId
from notification.domain.standing import Piece, is_over
from notification.store.tables import standing

SAVE = Statement(
    text(
        """
        WITH piece AS (
            SELECT * FROM unnest(CAST(:types AS text[]), CAST(:keys AS text[]), CAST(:data AS jsonb[]),
                                 CAST(:times AS timestamptz[]), CAST(:over AS boolean[]))
                       AS told (type, key, data, at, is_over)
        ), forgotten AS (
            DELETE FROM standing USING piece
             WHERE standing.owner_id = CAST(:owner AS uuid) AND standing.type = piece.type
               AND standing.key = piece.key AND piece.is_over
        )
        INSERT INTO standing (owner_id, type, key, data, at)
        SELECT CAST(:owner AS uuid), type, key, data, at FROM piece WHERE NOT is_over
        ON CONFLICT (owner_id, type, key) DO UPDATE SET data = excluded.data, at = excluded.at
         WHERE standing.at <= excluded.at
        """
    )
)


async def save_all(session: Session, owner: OwnerId, pieces: Sequence[Piece]) -> None:
    """Keep the newest of each; what is over is forgotten."""
    latest = list({(piece.type, piece.key): piece for piece in pieces}.values())
    if not latest:
        return
    given = {
        "owner": owner,
        "types": [piece.type for piece in latest],
        "keys": [piece.key for piece in latest],
        "data": [dumps_text(piece.data) for piece in latest],
        "times": [piece.at for piece in latest],
        "over": [is_over(piece) for piece in latest],
    }
    await SAVE.count(session, given)


async def list_all(session: Session, owner: OwnerId, kind: str) -> list[Mapping[str, Any]]:
    """List what there is of a kind: `order`, `position` or `balance`."""
    statement = select(standing.c.data).where(standing.c.owner_id == owner, standing.c.type == kind)
    return list((await session.scalars(statement.order_by(standing.c.key))).all())


async def find_newest(session: Session, owner: OwnerId) -> datetime | None:
    """Find when anything changed last."""
    statement = select(standing.c.at).where(standing.c.owner_id == owner).order_by(standing.c.at.desc()).limit(1)
    moment: datetime | None = await session.scalar(statement)
    return moment

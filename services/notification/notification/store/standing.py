"""How each owner's orders, positions and balances stand, as they were announced last."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kit.db import Session
from kit.json import dumps_text
from sqlalchemy import select

from notification.domain.owner import OwnerId
from notification.domain.standing import Piece, is_over
from notification.store.tables import standing

SAVED = """
    piece AS (
        SELECT * FROM unnest(CAST(:piece_types AS text[]), CAST(:piece_keys AS text[]), CAST(:piece_data AS jsonb[]),
                             CAST(:piece_times AS timestamptz[]), CAST(:piece_over AS boolean[]))
                   AS told (type, key, data, at, is_over)
    ), forgotten AS (
        DELETE FROM standing USING piece
         WHERE standing.owner_id = :owner AND standing.type = piece.type
           AND standing.key = piece.key AND piece.is_over
    ), stood AS (
        INSERT INTO standing (owner_id, type, key, data, at)
        SELECT :owner, type, key, data, at FROM piece WHERE NOT is_over
        ON CONFLICT (owner_id, type, key) DO UPDATE SET data = excluded.data, at = excluded.at
         WHERE standing.at <= excluded.at
    )
"""
"""Parts of a statement that keep the newest of each piece; what is over is forgotten. See `given_of`."""


def given_of(pieces: Sequence[Piece]) -> dict[str, Any]:
    """What `SAVED` is given of pieces, besides their owner."""
    latest = list({(piece.type, piece.key): piece for piece in pieces}.values())
    return {
        "piece_types": [piece.type for piece in latest],
        "piece_keys": [piece.key for piece in latest],
        "piece_data": [dumps_text(piece.data) for piece in latest],
        "piece_times": [piece.at for piece in latest],
        "piece_over": [is_over(piece) for piece in latest],
    }


async def list_all(session: Session, owner: OwnerId, kind: str) -> list[Mapping[str, Any]]:
    """List what there is of a kind: `order`, `position` or `balance`."""
    statement = select(standing.c.data).where(standing.c.owner_id == owner, standing.c.type == kind)
    return list((await session.scalars(statement.order_by(standing.c.key))).all())


async def find_newest(session: Session, owner: OwnerId) -> datetime | None:
    """Find when anything changed last."""
    statement = select(standing.c.at).where(standing.c.owner_id == owner).order_by(standing.c.at.desc()).limit(1)
    moment: datetime | None = await session.scalar(statement)
    return moment

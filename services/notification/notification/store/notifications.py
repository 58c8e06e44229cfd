"""The inbox: notices that wait to be read; they come into it together with the stream."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session
from sqlalchemy import Row, select, update

from notification.domain.owner import OwnerId
from notification.store.tables import notifications


@dataclass(frozen=True, slots=True)
class Kept:
    """A notice in the inbox."""

    id: UUID
    kind: str
    title: str
    body: str
    data: Mapping[str, Any]
    created_at: datetime
    read_at: datetime | None


async def list_newest(session: Session, owner: OwnerId, limit: int, before: UUID | None, *, unread: bool) -> list[Kept]:
    """List the newest first; ids are made in time's order."""
    statement = select(notifications).where(notifications.c.owner_id == owner)
    if before is not None:
        statement = statement.where(notifications.c.id < before)
    if unread:
        statement = statement.where(notifications.c.read_at.is_(None))
    rows = await session.execute(statement.order_by(notifications.c.id.desc()).limit(limit))
    return [_kept(row) for row in rows]


async def find(session: Session, owner: OwnerId, notification_id: UUID) -> Kept | None:
    """One notice of an owner's, or None."""
    mine = select(notifications).where(notifications.c.owner_id == owner, notifications.c.id == notification_id)
    row = (await session.execute(mine)).one_or_none()
    return None if row is None else _kept(row)


async def save_read(session: Session, owner: OwnerId, ids: Sequence[UUID] | None, now: datetime) -> int:
    """Mark unread notices as read, all of them when no ids are given; tell how many there were."""
    statement = update(notifications).where(notifications.c.owner_id == owner, notifications.c.read_at.is_(None))
    if ids is not None:
        statement = statement.where(notifications.c.id.in_(ids))
    return (await session.execute(statement.values(read_at=now))).rowcount


def _kept(row: Row[Any]) -> Kept:
    return Kept(row.id, row.kind, row.title, row.body, row.data, row.created_at, row.read_at)

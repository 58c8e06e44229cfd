"""The deliveries of each owner: a queue, and afterwards a log."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session
from sqlalchemy import Row, func, insert, select, update

from notification.domain.channel import ChannelId
from notification.domain.delivery import DIGEST_MAX, Delivery, DeliveryId, DeliveryStatus
from notification.domain.owner import OwnerId
from notification.store.tables import deliveries


def delivery_of(row: Row[Any]) -> Delivery:
    """Build a delivery from its row."""
    values = dict(row._mapping)
    return Delivery(owner=values.pop("owner_id"), channel=values.pop("channel_id"), **values)


async def save_all(session: Session, owner: OwnerId, new: Sequence[Delivery]) -> None:
    """Save new deliveries."""
    if not new:
        return
    rows = []
    for delivery in new:
        values = asdict(delivery) | {"owner_id": owner, "channel_id": delivery.channel}
        del values["owner"], values["channel"]
        rows.append(values)
    await session.execute(insert(deliveries), rows)


async def find_count(session: Session, owner: OwnerId, since: datetime) -> int:
    """Count what was to be delivered to an owner since a moment, without what was dropped."""
    mine = (deliveries.c.owner_id == owner, deliveries.c.created_at >= since, deliveries.c.status != "dropped")
    return int(await session.scalar(select(func.count()).select_from(deliveries).where(*mine)) or 0)


async def list_newest(
    session: Session, owner: OwnerId, limit: int, before: UUID | None, status: DeliveryStatus | None
) -> list[Delivery]:
    """List the newest first; ids are made in time's order."""
    statement = select(deliveries).where(deliveries.c.owner_id == owner)
    if before is not None:
        statement = statement.where(deliveries.c.id < before)
    if status is not None:
        statement = statement.where(deliveries.c.status == status)
    rows = await session.execute(statement.order_by(deliveries.c.id.desc()).limit(limit))
    return [delivery_of(row) for row in rows]


async def lock(session: Session, owner: OwnerId, delivery_id: DeliveryId) -> Delivery | None:
    """Find one delivery of the owner, and let nobody change it until the commit."""
    statement = select(deliveries).where(deliveries.c.owner_id == owner, deliveries.c.id == delivery_id)
    row = (await session.execute(statement.with_for_update())).one_or_none()
    return None if row is None else delivery_of(row)


async def list_due(session: Session, owner: OwnerId, channel_id: ChannelId, now: datetime) -> list[Delivery]:
    """List what goes into a channel's next message: what is due the longest, with its fellows if it is for a digest."""
    due = (
        deliveries.c.owner_id == owner,
        deliveries.c.channel_id == channel_id,
        deliveries.c.status == "waiting",
        deliveries.c.due_at <= now,
    )
    statement = select(deliveries).where(*due).order_by(deliveries.c.due_at, deliveries.c.id)
    row = (await session.execute(statement.limit(1))).one_or_none()
    if row is None or not row.digest:
        return [] if row is None else [delivery_of(row)]
    fellows = await session.execute(statement.where(deliveries.c.digest).limit(DIGEST_MAX))
    return [delivery_of(each) for each in fellows]


async def save_settled(
    session: Session,
    owner: OwnerId,
    ids: Collection[DeliveryId],
    status: DeliveryStatus,
    now: datetime,
    error: str | None = None,
) -> None:
    """End waiting deliveries."""
    await session.execute(
        update(deliveries)
        .where(deliveries.c.owner_id == owner, deliveries.c.id.in_(ids), deliveries.c.status == "waiting")
        .values(status=status, settled_at=now, error=error, tries=deliveries.c.tries + 1)
    )


async def save_later(
    session: Session, owner: OwnerId, ids: Collection[DeliveryId], due_at: datetime, error: str
) -> None:
    """Put off waiting deliveries after a try that failed."""
    await session.execute(
        update(deliveries)
        .where(deliveries.c.owner_id == owner, deliveries.c.id.in_(ids), deliveries.c.status == "waiting")
        .values(due_at=due_at, error=error, tries=deliveries.c.tries + 1)
    )


async def save_replayed(session: Session, owner: OwnerId, delivery_id: DeliveryId, now: datetime) -> None:
    """Let a delivery that was given up wait again, with all its tries before it."""
    await session.execute(
        update(deliveries)
        .where(deliveries.c.owner_id == owner, deliveries.c.id == delivery_id)
        .values(status="waiting", tries=0, error=None, due_at=now, settled_at=None)
    )

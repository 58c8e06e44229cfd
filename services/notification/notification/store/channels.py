"""The channels of each owner."""

from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from kit.db import Session
from kit.sql import Statement
from sqlalchemy import bindparam, delete, func, insert, select, text, update

from notification.domain.channel import Channel, ChannelId
from notification.domain.owner import OwnerId
from notification.store.tables import channels

OF_OWNER = Statement(select(channels).where(channels.c.owner_id == bindparam("owner")).order_by(channels.c.id))
LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('channels:' || :owner, 0))")


def channel_of(row: Any) -> Channel:
    """Build a channel from its row."""
    values = dict(row._mapping)
    return Channel(owner=values.pop("owner_id"), **values)


async def lock_count(session: Session, owner: OwnerId) -> int:
    """Count the owner's channels; until the commit nobody else adds one."""
    await session.execute(LOCK, {"owner": str(owner)})
    return int(await session.scalar(select(func.count()).where(channels.c.owner_id == owner)) or 0)


async def save(session: Session, owner: OwnerId, channel: Channel) -> None:
    """Save a new channel."""
    values = asdict(channel) | {"owner_id": owner}
    del values["owner"]
    await session.execute(insert(channels).values(values))


async def save_changes(session: Session, owner: OwnerId, channel_id: ChannelId, **changes: Any) -> Channel | None:
    """Change some columns of a channel; None when the owner has no such channel."""
    statement = update(channels).where(channels.c.owner_id == owner, channels.c.id == channel_id)
    row = (await session.execute(statement.values(**changes).returning(*channels.c))).one_or_none()
    return None if row is None else channel_of(row)


async def find(session: Session, owner: OwnerId, channel_id: ChannelId) -> Channel | None:
    """Find one channel of the owner."""
    statement = select(channels).where(channels.c.owner_id == owner, channels.c.id == channel_id)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else channel_of(row)


async def lock(session: Session, owner: OwnerId, channel_id: ChannelId) -> Channel | None:
    """Find one channel of the owner, and let nobody change it until the commit."""
    statement = select(channels).where(channels.c.owner_id == owner, channels.c.id == channel_id)
    row = (await session.execute(statement.with_for_update())).one_or_none()
    return None if row is None else channel_of(row)


async def list_all(session: Session, owner: OwnerId, statuses: Collection[str] | None = None) -> list[Channel]:
    """List the owner's channels, the oldest first; there are never many."""
    found = [channel_of(row) for row in await OF_OWNER.all(session, {"owner": owner})]
    return [channel for channel in found if statuses is None or channel.status in statuses]


async def delete_one(session: Session, owner: OwnerId, channel_id: ChannelId) -> bool:
    """Delete a channel with its log; False when the owner has no such channel."""
    statement = delete(channels).where(channels.c.owner_id == owner, channels.c.id == channel_id)
    return bool((await session.execute(statement)).rowcount)

"""What is sealed of channels, whosever they are: for who seals it anew."""

from dataclasses import dataclass
from uuid import UUID

from kit.db import Session
from sqlalchemy import select, update

from notification.domain.channel import ChannelId
from notification.domain.owner import OwnerId
from notification.store.tables import channels

SHARED = "sealed anew by the operator's command, for everybody alike"


@dataclass(frozen=True, slots=True)
class Box:
    """The sealed secrets of a channel."""

    id: ChannelId
    owner: OwnerId
    sealed: bytes


async def list_boxes(session: Session, after: UUID, limit: int) -> list[Box]:
    """List them in the order of the channels' ids."""
    statement = select(channels.c.id, channels.c.owner_id, channels.c.sealed).where(channels.c.id > after)
    return [Box(*row) for row in await session.execute(statement.order_by(channels.c.id).limit(limit))]


async def save_box(session: Session, box: Box, sealed: bytes) -> bool:
    """Put a box in the place of one, unless somebody has just put another there."""
    unchanged = update(channels).where(channels.c.id == box.id, channels.c.sealed == box.sealed)
    return (await session.execute(unchanged.values(sealed=sealed))).rowcount == 1

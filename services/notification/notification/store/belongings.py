"""Everything that is somebody's here: as they are given it, and what becomes of it when they leave."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from kit.db import Session
from kit.events import events
from kit.json import dumps
from sqlalchemy import delete, select

from notification.store.tables import (
    alerts,
    channel_choices,
    channels,
    deliveries,
    notifications,
    preferences,
    standing,
    stream,
    stream_heads,
)

TOLD: Final = (notifications, alerts, stream, channels, channel_choices, deliveries, preferences)
SEALED: Final = "sealed"
"""How a channel is reached and its secrets: never shown again, to nobody."""
UNTOLD: Final = {
    "stream_heads": "where the numbering of the stream is",
    "standing": "the newest of what trading and the stream tell already, for answers by chat",
    "events": "the outbox: facts about what is told from its own tables",
}
ERASED: Final = (
    *(stream, stream_heads, notifications, alerts, standing),
    *(deliveries, channel_choices, channels, preferences),
)
"""Deleted when somebody leaves, in this sequence: what refers to another goes first."""
KEPT: Final[dict[str, str]] = {}
"""What stays when somebody leaves, and why; the bare id that owns it names nobody any more."""
PORTION: Final = 500


async def list_all(session: Session, owner: UUID) -> AsyncIterator[bytes]:
    """Yield one JSON document in pieces: each table's rows under its name, decimals as strings."""
    opening = b"{"
    for table in TOLD:
        yield opening + b'"%s":[' % table.name.encode()
        shown = [column for column in table.c if column.name != SEALED]
        names = [str(column.name) for column in shown]
        mine = select(*shown).where(table.c.owner_id == owner)
        between = b""
        async for row in await session.stream(mine, execution_options={"yield_per": PORTION}):
            yield between + dumps(dict(zip(names, row, strict=True)))
            between = b","
        opening = b"],"
    yield b"]}"


async def find_unsent(session: Session, owner: UUID) -> bool:
    """Tell whether facts of somebody's still wait to be published."""
    waiting = select(events.c.id).where(events.c.owner_id == owner, events.c.published_at.is_(None)).limit(1)
    return (await session.scalar(waiting)) is not None


async def delete_all(session: Session, owner: UUID) -> int:
    """Delete what is not kept, and every published fact, in a transaction of the worker role; return how many rows."""
    deleted = 0
    for table in ERASED:
        deleted += (await session.execute(delete(table).where(table.c.owner_id == owner))).rowcount
    published = events.c.published_at.is_not(None)
    return deleted + (await session.execute(delete(events).where(events.c.owner_id == owner, published))).rowcount

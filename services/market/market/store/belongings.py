"""Everything that is somebody's here: as they are given it, and what becomes of it when they leave."""

from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

from kit.db import Session
from kit.json import dumps
from sqlalchemy import delete, select

from market.store.tables import screens, watchlists

TOLD: Final = (screens, watchlists)
UNTOLD: Final = {
    "events": "the outbox: facts about prices, which are nobody's",
}
ERASED: Final = (screens, watchlists)
"""Deleted when somebody leaves, in this sequence: what refers to another goes first."""
KEPT: Final[dict[str, str]] = {}
"""What stays when somebody leaves, and why; the bare id that owns it names nobody any more."""
PORTION: Final = 500


async def list_all(session: Session, owner: UUID) -> AsyncIterator[bytes]:
    """Yield one JSON document in pieces: each table's rows under its name, decimals as strings."""
    opening = b"{"
    for table in TOLD:
        yield opening + b'"%s":[' % table.name.encode()
        names = [str(column.name) for column in table.c]
        mine = select(table).where(table.c.owner_id == owner)
        between = b""
        async for row in await session.stream(mine, execution_options={"yield_per": PORTION}):
            yield between + dumps(dict(zip(names, row, strict=True)))
            between = b","
        opening = b"],"
    yield b"]}"


async def delete_all(session: Session, owner: UUID) -> int:
    """Delete what is not kept, in a transaction of the worker role; return how many rows."""
    deleted = 0
    for table in ERASED:
        deleted += (await session.execute(delete(table).where(table.c.owner_id == owner))).rowcount
    return deleted

"""What is sealed, row by row, whatever it is: for who seals it anew."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from kit.db import Session as Transaction
from sqlalchemy import select, update

from auth.store.tables import api_keys, second_factors

SHARED = "sealed anew by the operator's command, for everybody alike"
FIRST: Final = UUID(int=0)
KINDS: Final = {
    "second factor": (second_factors, second_factors.c.owner_id, second_factors.c.sealed),
    "API key": (api_keys, api_keys.c.id, api_keys.c.sealed_secret),
}
"""What of a row tells it from others, and where its box is."""


@dataclass(frozen=True, slots=True)
class Box:
    """A sealed secret: of which row, and whose."""

    id: UUID
    owner: UUID
    sealed: bytes


async def list_boxes(session: Transaction, kind: str, after: UUID, limit: int) -> list[Box]:
    """List them in the order of their rows' ids."""
    table, key, sealed = KINDS[kind]
    statement = select(key, table.c.owner_id, sealed).where(key > after).order_by(key).limit(limit)
    return [Box(*row) for row in await session.execute(statement)]


async def save_box(session: Transaction, kind: str, box: Box, sealed: bytes) -> bool:
    """Put a box in the place of one, unless somebody has just put another there."""
    table, key, column = KINDS[kind]
    unchanged = update(table).where(key == box.id, column == box.sealed)
    return (await session.execute(unchanged.values({column: sealed}))).rowcount == 1

"""Everything that is somebody's here: as they are given it, and what becomes of it when they leave."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.db import Session
from kit.events import events
from kit.json import dumps
from sqlalchemy import Text, cast, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert

from trading.store.tables import (
    accounts,
    balances,
    connections,
    executions,
    halts,
    is_open,
    leavers,
    ledger_entries,
    orders,
    position_entries,
    positions,
    risk_limits,
    snapshots,
    unsettled,
)

TOLD: Final = (
    accounts,
    connections,
    balances,
    orders,
    executions,
    positions,
    position_entries,
    ledger_entries,
    unsettled,
    snapshots,
    risk_limits,
    halts,
)
UNTOLD: Final = {
    "idempotency_keys": "answers given before, a day long; what they are about is told",
    "leavers": "that somebody has left: nobody is there to be told",
    "events": "the outbox: facts about what is told from its own tables",
}
ERASED: Final = (connections, snapshots, risk_limits, halts)
"""Deleted when somebody leaves, and with them the answers under idempotency keys."""
BOOKS: Final = "books of trades and money, by bare ids and without texts of the owner's: five years"
KEPT: Final[dict[str, str]] = {
    **dict.fromkeys(("accounts", "balances", "orders", "executions"), BOOKS),
    **dict.fromkeys(("positions", "position_entries", "ledger_entries", "unsettled"), BOOKS),
    "leavers": "a bare id, so that nothing new is computed for somebody who left",
}
"""What stays when somebody leaves, and why; the bare id that owns it names nobody any more."""
PORTION: Final = 500
FORGET_ANSWERS: Final = text("DELETE FROM idempotency_keys WHERE owner_id = :owner")


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


async def save_leaver(session: Session, owner: UUID, left_at: datetime) -> None:
    """Remember that somebody has left; the first time counts."""
    statement = insert(leavers).values(owner_id=owner, left_at=left_at)
    await session.execute(statement.on_conflict_do_nothing())


async def find_unfinished(session: Session, owner: UUID) -> bool:
    """Tell whether anything of somebody's is still under way: an open order, or a fact that waits to be published."""
    order = select(orders.c.id).where(orders.c.owner_id == owner, is_open())
    fact = select(events.c.id).where(events.c.owner_id == owner, events.c.published_at.is_(None))
    return bool(await session.scalar(select(order.exists() | fact.exists())))


async def delete_all(session: Session, owner: UUID, now: datetime) -> None:
    """Delete what is not kept, take the owner's own texts out of what is; in a transaction of the worker role."""
    await session.execute(FORGET_ANSWERS, {"owner": owner})
    for table in ERASED:
        await session.execute(delete(table).where(table.c.owner_id == owner))
    published = events.c.published_at.is_not(None)
    await session.execute(delete(events).where(events.c.owner_id == owner, published))
    await session.execute(update(accounts).where(accounts.c.owner_id == owner).values(name="erased"))
    nameless = {"client_order_id": cast(orders.c.id, Text), "detail": None}
    await session.execute(update(orders).where(orders.c.owner_id == owner).values(nameless))
    await session.execute(update(leavers).where(leavers.c.owner_id == owner).values(erased_at=now))

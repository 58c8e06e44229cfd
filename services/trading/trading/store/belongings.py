"""Everything that is somebody's here: as they are given it, and what becomes of it when they leave."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kit.belongings import delete_facts, delete_rows, find_unsent
from kit.db import Session
from sqlalchemy import Text, cast, select, text, update
from sqlalchemy.dialects.postgresql import insert

from trading.store.automation_tables import (
    automation_runs,
    automations,
    hook_alerts,
    hooks,
    signals,
    strategies,
    trips,
)
from trading.store.tables import (
    accounts,
    balances,
    connections,
    dead_men,
    executions,
    halts,
    is_open,
    leavers,
    ledger_entries,
    orders,
    position_entries,
    positions,
    reconciliations,
    rights,
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
    reconciliations,
    rights,
    dead_men,
    strategies,
    automations,
    automation_runs,
    signals,
    trips,
    hooks,
    hook_alerts,
)
UNTOLD: Final = {
    "idempotency_keys": "answers given before, a day long; what they are about is told",
    "leavers": "that somebody has left: nobody is there to be told",
    "events": "the outbox: facts about what is told from its own tables",
}
ERASED: Final = (
    *(connections, snapshots, risk_limits, halts, reconciliations, rights, dead_men),
    *(strategies, automations, automation_runs, signals, trips, hooks, hook_alerts),
)
"""Deleted when somebody leaves, and with them the answers under idempotency keys."""
BOOKS: Final = "books of trades and money, by bare ids and without texts of the owner's: BOOKS_KEPT"
KEPT: Final[dict[str, str]] = {
    **dict.fromkeys(("accounts", "balances", "orders", "executions"), BOOKS),
    **dict.fromkeys(("positions", "position_entries", "ledger_entries", "unsettled"), BOOKS),
    "leavers": "a bare id, so that nothing new is computed for somebody who left, and to know when the books go",
}
"""What stays when somebody leaves, and why; the bare id that owns it names nobody any more."""
OLD: Final = (
    *(executions, ledger_entries, position_entries, unsettled, positions, balances, orders, accounts),
    leavers,
)
"""The kept ones in the sequence in which they go when they are old; the bare id goes last."""
BOOKS_KEPT: Final = timedelta(days=2_375)
"""Six and a half years: five from when tax was due for the last of them, in May of the year after."""
FORGET_ANSWERS: Final = text("DELETE FROM idempotency_keys WHERE owner_id = :owner")


async def save_leaver(session: Session, owner: UUID, left_at: datetime) -> None:
    """Remember that somebody has left; the first time counts."""
    statement = insert(leavers).values(owner_id=owner, left_at=left_at)
    await session.execute(statement.on_conflict_do_nothing())


async def find_unfinished(session: Session, owner: UUID) -> bool:
    """Tell whether anything of somebody's is still under way: an open order, or a fact that waits to be published."""
    order = select(orders.c.id).where(orders.c.owner_id == owner, is_open())
    return bool(await session.scalar(select(order.exists()))) or await find_unsent(session, owner)


async def delete_all(session: Session, owner: UUID, now: datetime) -> None:
    """Delete what is not kept, take the owner's own texts out of what is; in a transaction of the worker role."""
    await session.execute(FORGET_ANSWERS, {"owner": owner})
    await delete_rows(session, owner, ERASED)
    await delete_facts(session, owner)
    nobodys = {"name": "erased", "revision": accounts.c.revision + 1}  # this locks them, and a lock is counted
    await session.execute(update(accounts).where(accounts.c.owner_id == owner).values(nobodys))
    nameless = {"client_order_id": cast(orders.c.id, Text), "detail": None}
    await session.execute(update(orders).where(orders.c.owner_id == owner).values(nameless))
    await session.execute(update(leavers).where(leavers.c.owner_id == owner).values(erased_at=now))

"""What has no owner, or every owner: the platform's own kill switch, and the orders that wait for a price."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kit.db import Session
from sqlalchemy import text

from trading.domain.halt import Halt, HaltMode
from trading.domain.request import AccountId, OrderId
from trading.store.accounts import PLATFORM_LOCK
from trading.store.orders import Waiting

FIND_HALT = text("SELECT mode, reason, halted_at FROM platform_halt")
LOCK = text("SELECT pg_advisory_xact_lock(:key)")
SAVE_HALT = text(
    "INSERT INTO platform_halt (mode, reason, halted_by, halted_at) VALUES (:mode, :reason, :by, :at)"
    " ON CONFLICT (only_one) DO UPDATE SET mode = excluded.mode, reason = excluded.reason,"
    " halted_by = excluded.halted_by, halted_at = excluded.halted_at"
)
DELETE_HALT = text("DELETE FROM platform_halt")
WAITING = text(
    "SELECT owner_id, account_id, id, symbol FROM orders WHERE status = 'held' AND (:symbol = '' OR symbol = :symbol)"
    " AND triggered_at IS NULL ORDER BY id LIMIT :most"
)
OPEN_UNDER_HALT = text(
    "SELECT DISTINCT owner_id, account_id FROM orders"
    " WHERE status IN ('accepted', 'held', 'partially_filled', 'pending_replace', 'submitted', 'unknown')"
    " AND created_at <= :halted_at AND (NOT :only_buys OR side = 'buy') LIMIT :most"
)


async def find_halt(session: Session) -> Halt | None:
    """Return the platform's switch, if it is thrown."""
    row = (await session.execute(FIND_HALT)).first()
    if row is None:
        return None
    return Halt(level="global", scope_id=None, mode=HaltMode(row.mode), reason=row.reason, halted_at=row.halted_at)


async def save_halt(session: Session, halt: Halt, by: UUID) -> None:
    """Throw the platform's switch, when no order is being decided: what commits after it has seen it."""
    await session.execute(LOCK, {"key": PLATFORM_LOCK})
    await session.execute(SAVE_HALT, {"mode": halt.mode, "reason": halt.reason, "by": by, "at": halt.halted_at})


async def delete_halt(session: Session) -> None:
    """Release the platform's switch."""
    await session.execute(DELETE_HALT)


async def list_waiting(session: Session, *, symbol: str = "", most: int) -> list[Waiting]:
    """List the orders that wait for a price, of one symbol or of all."""
    rows = await session.execute(WAITING, {"symbol": symbol, "most": most})
    return [Waiting(row.owner_id, AccountId(row.account_id), OrderId(row.id), row.symbol) for row in rows]


async def list_accounts_to_clear(
    session: Session, halted_at: datetime, *, only_buys: bool, most: int
) -> Sequence[tuple[UUID, AccountId]]:
    """List accounts that still have open orders from before the platform was halted, not being canceled yet."""
    given = {"halted_at": halted_at, "only_buys": only_buys, "most": most}
    return [(row.owner_id, AccountId(row.account_id)) for row in await session.execute(OPEN_UNDER_HALT, given)]

"""Dead man's switches: heartbeats that an account's open orders live by, due by the database's clock alone."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db import Session
from sqlalchemy import text

from trading.domain.request import AccountId

SAVE = text(
    "INSERT INTO dead_men (owner_id, account_id, seconds, due_at)"
    " SELECT :owner, :account, given.seconds, clock_timestamp() + given.seconds * interval '1 second'"
    "   FROM (SELECT CAST(:seconds AS integer) AS seconds) AS given"
    " ON CONFLICT (owner_id, account_id) DO UPDATE SET seconds = excluded.seconds, due_at = excluded.due_at"
    " RETURNING due_at"
)
DELETE = text("DELETE FROM dead_men WHERE owner_id = :owner AND account_id = :account")
DELETE_DUE = text(
    "DELETE FROM dead_men WHERE owner_id = :owner AND account_id = :account AND due_at <= clock_timestamp()"
    " RETURNING account_id, seconds, due_at"
)
FIND = text("SELECT account_id, seconds, due_at FROM dead_men WHERE owner_id = :owner AND account_id = :account")


@dataclass(frozen=True, slots=True)
class DeadMan:
    """An account that is halted unless a heartbeat comes within `seconds`, which is until `due_at`."""

    account_id: AccountId
    seconds: int
    due_at: datetime


async def save(session: Session, owner: UUID, account_id: AccountId, seconds: int) -> DeadMan:
    """Take a heartbeat: the next is due in so many seconds."""
    given = {"owner": owner, "account": account_id, "seconds": seconds}
    return DeadMan(account_id, seconds, (await session.execute(SAVE, given)).scalar_one())


async def find(session: Session, owner: UUID, account_id: AccountId) -> DeadMan | None:
    """Return an account's switch, if it is armed."""
    row = (await session.execute(FIND, {"owner": owner, "account": account_id})).first()
    return DeadMan(AccountId(row.account_id), row.seconds, row.due_at) if row else None


async def delete_one(session: Session, owner: UUID, account_id: AccountId) -> bool:
    """Disarm it; False when it was not armed."""
    return (await session.execute(DELETE, {"owner": owner, "account": account_id})).rowcount == 1


async def delete_due(session: Session, owner: UUID, account_id: AccountId) -> DeadMan | None:
    """Take a switch whose heartbeat has not come; None when it came after all, or somebody else has taken it."""
    row = (await session.execute(DELETE_DUE, {"owner": owner, "account": account_id})).first()
    return DeadMan(AccountId(row.account_id), row.seconds, row.due_at) if row else None

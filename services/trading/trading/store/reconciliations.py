"""Where an account at a broker stands against what its broker shows."""

from uuid import UUID

from kit.db import Session
from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from trading.domain.reconciliation import Seen
from trading.domain.request import AccountId
from trading.store.tables import reconciliations

ONE = select(reconciliations.c.differences, reconciliations.c.seen_at).where(
    reconciliations.c.owner_id == bindparam("owner"), reconciliations.c.account_id == bindparam("account")
)
_INSERT = insert(reconciliations)
SAVE = _INSERT.on_conflict_do_update(
    index_elements=["owner_id", "account_id"],
    set_={name: _INSERT.excluded[name] for name in ("differences", "seen_at")},
)


async def find(session: Session, owner: UUID, account_id: AccountId) -> Seen | None:
    """How an account compared the last time that said something new; None before the first."""
    row = (await session.execute(ONE, {"owner": owner, "account": account_id})).first()
    return None if row is None else Seen(tuple(row.differences), row.seen_at)


async def save(session: Session, owner: UUID, account_id: AccountId, standing: Seen) -> None:
    """Remember how it compares now. The account is locked."""
    row = {
        "owner_id": owner,
        "account_id": account_id,
        "differences": list(standing.differences),
        "seen_at": standing.seen_at,
    }
    await session.execute(SAVE, row)

"""What was last announced of an account, and what an account report is made of; owner first."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.db import Session
from kit.sql import Statement
from sqlalchemy import Row, bindparam, delete, func, literal_column, select, text

from broker.domain.attempt import UNSETTLED, Attempt
from broker.domain.order import ClientKey, OwnerId
from broker.store.attempts import attempt_of
from broker.store.tables import account_reports, attempts, broker_executions

EXECUTIONS_MAX = 1_000
UNSETTLED_MAX = 200
_MINE = (
    account_reports.c.owner_id == bindparam("owner"),
    account_reports.c.connection_id == bindparam("connection"),
)
# A digest that is there already changes nothing, so nothing is written for it either.
_SAVE = text(
    """
    INSERT INTO account_reports AS known (owner_id, connection_id, digest, announced_at)
    VALUES (:owner, :connection, :digest, :at)
    ON CONFLICT (owner_id, connection_id) DO UPDATE SET digest = excluded.digest, announced_at = excluded.announced_at
          WHERE known.digest <> excluded.digest
    RETURNING 1
    """
)
_UNSETTLED = Statement(
    select(attempts)
    .where(
        attempts.c.owner_id == bindparam("owner"),
        attempts.c.connection_id == bindparam("connection"),
        attempts.c.state.in_([literal_column(f"'{state.value}'") for state in sorted(UNSETTLED)]),
    )
    .limit(UNSETTLED_MAX)
)
_SHARES = (
    select(broker_executions.c.order_id, func.sum(broker_executions.c.quantity).label("quantity"))
    .where(
        broker_executions.c.owner_id == bindparam("owner"),
        broker_executions.c.order_id.in_(bindparam("orders", expanding=True)),
    )
    .group_by(broker_executions.c.order_id)
)
_EXECUTIONS = (
    select(broker_executions)
    .join(attempts, attempts.c.order_id == broker_executions.c.order_id)
    .where(
        broker_executions.c.owner_id == bindparam("owner"),
        attempts.c.connection_id == bindparam("connection"),
        broker_executions.c.executed_at >= bindparam("since"),
    )
    .order_by(broker_executions.c.position.desc())
    .limit(EXECUTIONS_MAX)
)


async def save_digest(session: Session, owner: OwnerId, connection: UUID, digest: str, at: datetime) -> bool:
    """Remember what is announced; false, and nothing is written, when that is what was announced last."""
    given = {"owner": owner, "connection": connection, "digest": digest, "at": at}
    return (await session.execute(_SAVE, given)).first() is not None


async def delete_digest(session: Session, owner: OwnerId, connection: UUID) -> None:
    """Forget it: the next reading is announced whatever it says."""
    await session.execute(delete(account_reports).where(*_MINE), {"owner": owner, "connection": connection})


async def list_unsettled(session: Session, owner: OwnerId, connection: UUID) -> list[Attempt]:
    """Attempts through a connection of which it is not known whether they arrived."""
    rows = await _UNSETTLED.all(session, {"owner": owner, "connection": connection})
    return [attempt_of(row) for row in rows]


async def sum_shares(session: Session, owner: OwnerId, orders: Sequence[ClientKey]) -> dict[ClientKey, Decimal]:
    """How many shares are known to have traded of each of these orders; those of which none did are not in it."""
    rows = await session.execute(_SHARES, {"owner": owner, "orders": list(orders)})
    return {ClientKey(row.order_id): row.quantity for row in rows}


async def list_executions(session: Session, owner: OwnerId, connection: UUID, since: datetime) -> Sequence[Row[Any]]:
    """Executions through a connection since a moment, oldest first; of very many, the newest."""
    rows = await session.execute(_EXECUTIONS, {"owner": owner, "connection": connection, "since": since})
    return list(rows)[::-1]

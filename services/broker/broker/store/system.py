"""The few reads without an owner: brokers report by key, and the recovery looks after everybody's orders."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kit.db import Session
from sqlalchemy import Uuid, and_, bindparam, select

from broker.domain.attempt import UNSETTLED, Attempt
from broker.domain.order import ClientKey, OwnerId
from broker.store.attempts import attempt_of
from broker.store.tables import attempts, connections

_LOCK = select(attempts).where(attempts.c.order_id == bindparam("key")).with_for_update()
_LIST_NUMBERS = select(attempts.c.broker_order_id, attempts.c.order_id).where(
    attempts.c.broker == bindparam("broker"),
    attempts.c.broker_order_id.in_(bindparam("numbers", expanding=True)),
    attempts.c.connection_id.is_not_distinct_from(bindparam("connection", type_=Uuid)),
)
_LIST_IN_USE = (
    select(attempts.c.owner_id, attempts.c.connection_id, attempts.c.broker)
    .join(
        connections,
        and_(connections.c.owner_id == attempts.c.owner_id, connections.c.id == attempts.c.connection_id),
    )
    .where(attempts.c.connection_id.is_not(None), attempts.c.begun_at > bindparam("since"))
    .distinct()
    .limit(bindparam("limit"))
)
_LIST_UNSETTLED = (
    select(attempts)
    .where(
        attempts.c.state.in_(sorted(state.value for state in UNSETTLED)),
        attempts.c.begun_at < bindparam("before"),
        attempts.c.needs_human.is_(False),
    )
    .order_by(attempts.c.begun_at)
    .limit(bindparam("limit"))
)


async def lock_attempt(session: Session, key: ClientKey) -> Attempt | None:
    """The attempt a broker knows by this key, held until the transaction ends."""
    row = (await session.execute(_LOCK, {"key": key})).first()
    return None if row is None else attempt_of(row)


async def list_keys(
    session: Session, broker: str, connection: UUID | None, numbers: Sequence[str]
) -> dict[str, ClientKey]:
    """The keys of the orders a broker knows by these numbers; one that is not ours is not in it.

    Brokers number the orders of each account by themselves, so a number means nothing without its connection.
    """
    asked = {"broker": broker, "numbers": list(numbers), "connection": connection}
    rows = await session.execute(_LIST_NUMBERS, asked)
    return {row.broker_order_id: ClientKey(row.order_id) for row in rows}


async def list_connections_in_use(session: Session, since: datetime, limit: int) -> list[tuple[OwnerId, UUID, str]]:
    """Connections that are still there, and that orders went through since a moment: whose, which, to which broker."""
    rows = await session.execute(_LIST_IN_USE, {"since": since, "limit": limit})
    return [(OwnerId(row.owner_id), row.connection_id, row.broker) for row in rows]


async def list_unsettled(session: Session, before: datetime, limit: int) -> list[Attempt]:
    """Attempts begun before a moment that still lack an answer, oldest first."""
    rows = await session.execute(_LIST_UNSETTLED, {"before": before, "limit": limit})
    return [attempt_of(row) for row in rows]

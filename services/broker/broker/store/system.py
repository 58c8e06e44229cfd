"""The few reads without an owner: brokers report by key, and the recovery looks after everybody's orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from kit.db import Session
from kit.sql import Statement
from sqlalchemy import DateTime, Uuid, and_, bindparam, literal_column, select, tuple_

from broker.domain.attempt import UNSETTLED, Attempt
from broker.domain.order import ClientKey, Environment, OwnerId
from broker.store.attempts import attempt_of
from broker.store.tables import account_reports, attempts, connections, owner_keys

_BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_LOCK = Statement(select(attempts).where(attempts.c.order_id == bindparam("key")).with_for_update())
_LIST_NUMBERS = select(attempts.c.broker_order_id, attempts.c.order_id).where(
    attempts.c.broker == bindparam("broker"),
    attempts.c.broker_order_id.in_(bindparam("numbers", expanding=True)),
    attempts.c.connection_id.is_not_distinct_from(bindparam("connection", type_=Uuid)),
)
_LIST_IN_USE = (
    select(attempts.c.owner_id, attempts.c.connection_id, attempts.c.broker, connections.c.environment)
    .join(
        connections,
        and_(connections.c.owner_id == attempts.c.owner_id, connections.c.id == attempts.c.connection_id),
    )
    .where(attempts.c.connection_id.is_not(None), attempts.c.begun_at > bindparam("since"))
    .distinct()
    .limit(bindparam("limit"))
)
_LIST_CONNECTIONS = (
    select(
        connections.c.owner_id,
        connections.c.id,
        connections.c.broker,
        connections.c.environment,
        account_reports.c.digest.is_(None).label("asked"),
    )
    .outerjoin(
        account_reports,
        and_(account_reports.c.owner_id == connections.c.owner_id, account_reports.c.connection_id == connections.c.id),
    )
    .order_by(connections.c.id)
    .limit(bindparam("limit"))
)
_LIST_UNSETTLED = Statement(
    select(attempts)
    .where(
        attempts.c.state.in_([literal_column(f"'{state.value}'") for state in sorted(UNSETTLED)]),
        attempts.c.begun_at < bindparam("before"),
        attempts.c.needs_human.is_(False),
        tuple_(attempts.c.begun_at, attempts.c.order_id)
        > tuple_(bindparam("after_moment", type_=DateTime(timezone=True)), bindparam("after_order", type_=Uuid)),
    )
    .order_by(attempts.c.begun_at, attempts.c.order_id)
    .limit(bindparam("limit"))
)


_LIST_KEY_OWNERS = (
    select(owner_keys.c.owner_id)
    .where(owner_keys.c.owner_id > bindparam("after"))
    .distinct()
    .order_by(owner_keys.c.owner_id)
    .limit(bindparam("limit"))
)


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection, whose it is, and whether its account was never announced or is asked for again."""

    owner: OwnerId
    connection: UUID
    broker: str
    environment: Environment
    is_asked_for: bool


async def lock_attempt(session: Session, key: ClientKey) -> Attempt | None:
    """The attempt a broker knows by this key, held until the transaction ends."""
    row = await _LOCK.first(session, {"key": key})
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


async def list_connections_in_use(
    session: Session, since: datetime, limit: int
) -> list[tuple[OwnerId, UUID, str, Environment]]:
    """Connections that are still there, and that orders went through since a moment: whose, which, and where to."""
    rows = await session.execute(_LIST_IN_USE, {"since": since, "limit": limit})
    return [(OwnerId(row.owner_id), row.connection_id, row.broker, row.environment) for row in rows]


async def list_connections(session: Session, limit: int) -> list[Connected]:
    """Every connection that is there."""
    rows = await session.execute(_LIST_CONNECTIONS, {"limit": limit})
    return [Connected(OwnerId(row.owner_id), row.id, row.broker, row.environment, row.asked) for row in rows]


async def list_unsettled(
    session: Session, before: datetime, limit: int, after: tuple[datetime, UUID] = (_BEGINNING, UUID(int=0))
) -> list[Attempt]:
    """Attempts begun before a moment that still lack an answer, oldest first, those after one's moment and order."""
    asked = {"before": before, "limit": limit, "after_moment": after[0], "after_order": after[1]}
    return [attempt_of(row) for row in await _LIST_UNSETTLED.all(session, asked)]


async def list_key_owners(session: Session, after: UUID, limit: int) -> list[OwnerId]:
    """Who has a key, in the order of their ids."""
    return [OwnerId(each) for each in await session.scalars(_LIST_KEY_OWNERS, {"after": after, "limit": limit})]

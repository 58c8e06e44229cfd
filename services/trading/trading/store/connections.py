"""Connections to brokers, owner first: which there are, and nothing that opens them."""

from uuid import UUID

from kit.db import Session
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from trading.domain.account import Connection
from trading.store.rows import columns_of, values_of
from trading.store.tables import accounts, connections

COLUMNS = columns_of(connections, Connection)
NAMES = tuple(column.name for column in COLUMNS)


async def find(session: Session, owner: UUID, connection_id: UUID) -> Connection | None:
    """One of an owner's connections."""
    query = select(*COLUMNS).where(connections.c.owner_id == owner, connections.c.id == connection_id)
    row = (await session.execute(query)).first()
    return Connection(**row._mapping) if row else None


async def find_account(session: Session, owner: UUID, connection_id: UUID) -> UUID | None:
    """The account that is bound to a connection already."""
    query = select(accounts.c.id).where(accounts.c.owner_id == owner, accounts.c.connection_id == connection_id)
    found: UUID | None = await session.scalar(query)
    return found


async def save(session: Session, owner: UUID, connection: Connection) -> None:
    """Remember a connection, once."""
    row = {"owner_id": owner, **values_of(connection, NAMES)}
    await session.execute(insert(connections).values(row).on_conflict_do_nothing())


async def delete_one(session: Session, owner: UUID, connection_id: UUID) -> None:
    """Forget a connection. An account that is bound to it stays bound, and its orders are refused by broker."""
    await session.execute(delete(connections).where(connections.c.owner_id == owner, connections.c.id == connection_id))

"""Record that somebody connected to a broker, or took a connection away."""

from typing import Literal
from uuid import UUID

from kit.db import Session

from trading.domain.account import Connection
from trading.store import connections


async def record_connection(
    session: Session, owner: UUID, connection: Connection, change: Literal["saved", "deleted"]
) -> None:
    """Keep what accounts may be bound to; the same news again changes nothing."""
    if change == "saved":
        await connections.save(session, owner, connection)
    else:
        await connections.delete_one(session, owner, connection.id)

"""Save a connection whose credentials its broker has just taken."""

from kit.db import Session
from kit.events import record

from broker.domain.connection import CONNECTIONS_MAX, Connection, Secrets
from broker.errors import TooManyConnections
from broker.events import ConnectionChanged
from broker.store import connections
from broker.vault import Vault


async def save_connection(session: Session, vault: Vault, connection: Connection, secrets: Secrets) -> None:
    """Seal, keep and announce.

    Raises:
        TooManyConnections: when the owner has as many as one may.
    """
    owner = connection.owner
    if await connections.lock(session, owner) >= CONNECTIONS_MAX:
        raise TooManyConnections(f"You have {CONNECTIONS_MAX} connections: delete one first.")
    await connections.save(session, owner, connection, secrets, vault)
    fact = ConnectionChanged(
        connection_id=connection.id, broker=connection.broker, environment=connection.environment, change="saved"
    )
    await record(session, fact, owner=owner)

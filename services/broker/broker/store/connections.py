"""Connections and their sealed credentials, owner first; opening and sealing is the vault's."""

from collections.abc import Mapping
from typing import Any

from kit.db import Session
from kit.sql import Row as DriverRow
from kit.sql import Statement
from sqlalchemy import Row, bindparam, func, insert, select, text, update
from sqlalchemy import delete as sql_delete

from broker.domain.connection import Connection, ConnectionId, Secrets
from broker.domain.order import OwnerId
from broker.store.tables import connection_secrets, connections, owner_keys
from broker.vault import OwnerKey, Place, Vault

_OWNED = connections.c.owner_id == bindparam("owner")
_FIND = Statement(select(connections).where(_OWNED, connections.c.id == bindparam("connection")))
"""Asked before every use of a line."""
_LIST = select(connections).where(_OWNED).order_by(connections.c.id)
_COUNT = select(func.count()).select_from(connections).where(_OWNED)
_SECRETS = select(connection_secrets).where(connection_secrets.c.owner_id == bindparam("owner"))
_KEYS = select(owner_keys).where(owner_keys.c.owner_id == bindparam("owner")).order_by(owner_keys.c.version)
_LOCK_OWNER = text("SELECT pg_advisory_xact_lock(hashtextextended('connections:' || :owner, 0))")


async def lock(session: Session, owner: OwnerId) -> int:
    """Hold an owner's connections until the transaction ends; how many there are."""
    await session.execute(_LOCK_OWNER, {"owner": str(owner)})
    return int(await session.scalar(_COUNT, {"owner": owner}) or 0)


async def save(session: Session, owner: OwnerId, connection: Connection, secrets: Secrets, vault: Vault) -> None:
    """Keep a new connection, its credentials sealed under the owner's newest key."""
    row = {
        "id": connection.id,
        "owner_id": owner,
        "broker": connection.broker,
        "environment": connection.environment,
        "name": connection.name,
        "account_hint": connection.account_hint,
        "created_at": connection.created_at,
    }
    await session.execute(insert(connections).inline(), [row])
    keys = await _keys(session, owner)
    key = keys[max(keys)] if keys else await save_key(session, owner, vault, 1)
    for field, secret in secrets.fields.items():
        place = Place(owner, connection.id, field, key.version)
        sealed = {
            "connection_id": connection.id,
            "owner_id": owner,
            "field": field,
            "key_version": key.version,
            "box": vault.seal(key, place, secret),
        }
        await session.execute(insert(connection_secrets).inline(), [sealed])


async def save_key(session: Session, owner: OwnerId, vault: Vault, version: int) -> OwnerKey:
    """Make and keep a key of an owner."""
    key = vault.new_key(owner, version)
    row = {"owner_id": owner, "version": version, "wrapped": key.wrapped}
    await session.execute(insert(owner_keys).inline(), [row])
    return key


async def find(session: Session, owner: OwnerId, connection: ConnectionId) -> Connection | None:
    """One of an owner's connections."""
    row = await _FIND.first(session, {"owner": owner, "connection": connection})
    return None if row is None else _connection(row)


async def list_all(session: Session, owner: OwnerId) -> list[Connection]:
    """Every connection of an owner: they are few."""
    return [_connection(row) for row in await session.execute(_LIST, {"owner": owner})]


async def find_secrets(session: Session, owner: OwnerId, connection: ConnectionId, vault: Vault) -> Secrets:
    """The credentials of a connection, opened."""
    keys = await _keys(session, owner)
    asked = _SECRETS.where(connection_secrets.c.connection_id == connection)
    return Secrets({row.field: _opened(row, keys, vault) for row in await session.execute(asked, {"owner": owner})})


async def save_resealed(session: Session, owner: OwnerId, vault: Vault) -> bool:
    """Move one box from an older key to the owner's newest; false when all are there."""
    keys = await _keys(session, owner)
    newest = keys[max(keys)]
    older = _SECRETS.where(connection_secrets.c.key_version < newest.version).limit(1).with_for_update()
    row = (await session.execute(older, {"owner": owner})).first()
    if row is None:
        return False
    place = Place(owner, row.connection_id, row.field, newest.version)
    change = update(connection_secrets).where(
        connection_secrets.c.owner_id == owner,
        connection_secrets.c.connection_id == row.connection_id,
        connection_secrets.c.field == row.field,
    )
    box = vault.seal(newest, place, _opened(row, keys, vault))
    await session.execute(change.values(key_version=newest.version, box=box))
    return True


async def needs_only_newest(session: Session, owner: OwnerId, vault: Vault) -> bool:
    """Whether all that an owner has is sealed by their newest key, and that one wrapped by the newest of all."""
    keys = await _keys(session, owner)
    if not keys:
        return True
    older = _SECRETS.where(connection_secrets.c.key_version < max(keys)).limit(1)
    return vault.is_newest(keys[max(keys)]) and (await session.execute(older, {"owner": owner})).first() is None


async def save_next_key(session: Session, owner: OwnerId, vault: Vault) -> bool:
    """Begin a rotation, unless one is under way: then its key is the newest already. False for who has no key."""
    await session.execute(_LOCK_OWNER, {"owner": str(owner)})
    keys = await _keys(session, owner)
    if not keys:
        return False
    older = _SECRETS.where(connection_secrets.c.key_version < max(keys)).limit(1)
    if (await session.execute(older, {"owner": owner})).first() is None:
        await save_key(session, owner, vault, max(keys) + 1)
    return True


async def delete(session: Session, owner: OwnerId, connection: ConnectionId) -> None:
    """Forget a connection and its credentials."""
    for table, column in ((connection_secrets, connection_secrets.c.connection_id), (connections, connections.c.id)):
        await session.execute(sql_delete(table).where(table.c.owner_id == owner, column == connection))


async def _keys(session: Session, owner: OwnerId) -> Mapping[int, OwnerKey]:
    rows = await session.execute(_KEYS, {"owner": owner})
    return {row.version: OwnerKey(row.owner_id, row.version, row.wrapped) for row in rows}


def _opened(row: Row[Any], keys: Mapping[int, OwnerKey], vault: Vault) -> str:
    place = Place(row.owner_id, row.connection_id, row.field, row.key_version)
    return vault.open(keys[row.key_version], place, row.box)


def _connection(row: Row[Any] | DriverRow) -> Connection:
    return Connection(
        id=row.id,
        owner=row.owner_id,
        broker=row.broker,
        environment=row.environment,
        name=row.name,
        account_hint=row.account_hint,
        created_at=row.created_at,
    )

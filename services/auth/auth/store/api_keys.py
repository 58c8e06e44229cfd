"""API keys of people; their secrets are read by the worker role alone, in store/system.py."""

from datetime import datetime
from typing import Any

from kit.db import Session as Transaction
from sqlalchemy import Row, delete, func, insert, select

from auth.domain.api_key import ApiKey, ApiKeyId
from auth.domain.user import UserId
from auth.store.tables import api_keys

SHOWN = tuple(column for column in api_keys.c if column is not api_keys.c.sealed_secret)


def key_of(row: Row[*tuple[Any, ...]]) -> ApiKey:
    """Build a key from a row that holds the shown columns."""
    return ApiKey(
        ApiKeyId(row.id),
        UserId(row.owner_id),
        row.name,
        frozenset(row.scopes),
        tuple(row.networks),
        row.created_at,
        row.expires_at,
        row.last_used_at,
        row.last_address,
    )


async def save(session: Transaction, owner: UserId, key: ApiKey, sealed_secret: bytes) -> None:
    """Save a new key."""
    await session.execute(
        insert(api_keys)
        .inline()
        .values(
            id=key.id,
            owner_id=owner,
            name=key.name,
            sealed_secret=sealed_secret,
            scopes=sorted(key.scopes),
            networks=list(key.networks),
            created_at=key.created_at,
            expires_at=key.expires_at,
        )
    )


async def count(session: Transaction, owner: UserId) -> int:
    """Count the owner's keys."""
    return int(await session.scalar(select(func.count()).where(api_keys.c.owner_id == owner)) or 0)


async def list_keys(session: Transaction, owner: UserId) -> list[ApiKey]:
    """List the owner's keys, oldest first; there are never more than a page."""
    statement = select(*SHOWN).where(api_keys.c.owner_id == owner).order_by(api_keys.c.id)
    return [key_of(row) for row in await session.execute(statement)]


async def delete_key(session: Transaction, owner: UserId, key_id: ApiKeyId) -> ApiKey | None:
    """Delete one of the owner's keys; None when there is none of this id."""
    statement = delete(api_keys).where(api_keys.c.owner_id == owner, api_keys.c.id == key_id).returning(*SHOWN)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else key_of(row)


async def delete_expired(session: Transaction, owner: UserId, now: datetime) -> None:
    """Make room: an expired key opens nothing any more."""
    await session.execute(delete(api_keys).where(api_keys.c.owner_id == owner, api_keys.c.expires_at <= now))

"""Rotate an owner's key: a new one, then box after box; died in between, the next call goes on where it stopped."""

from kit.db import Database

from broker.domain.order import OwnerId
from broker.store import connections
from broker.vault import Vault


async def rotate_key(database: Database, owner: OwnerId, vault: Vault) -> int:
    """Move every box of an owner to a new key, each in a transaction of its own; how many were moved."""
    async with database.owned(owner) as session:
        has_key = await connections.save_next_key(session, owner, vault)
    moved = 0
    while has_key:
        async with database.owned(owner) as session:
            if not await connections.save_resealed(session, owner, vault):
                break
        moved += 1
    return moved

"""Leave the older wrapping keys: every owner whose key another than the newest has wrapped gets a new one."""

from uuid import UUID

from kit.db import Database

from broker.domain.order import OwnerId
from broker.store import connections, system
from broker.usecases.rotate_key import rotate_key
from broker.vault import Vault

PORTION = 500


async def rewrap_keys(database: Database, vault: Vault) -> int:
    """Rotate the keys that are not wrapped by the newest wrapping key; of how many owners.

    Died in between, the next call goes on where it stopped: whoever is done is passed over.
    """
    after, done = UUID(int=0), 0
    while True:
        async with database.system() as session:
            owners = await system.list_key_owners(session, after, PORTION)
        if not owners:
            return done
        for owner in owners:
            done += await _rewrap(database, owner, vault)
        after = owners[-1]


async def _rewrap(database: Database, owner: OwnerId, vault: Vault) -> bool:
    """Rotate until nothing needs an older one: a rotation that was under way ends with the key it had made."""
    is_done = False
    while True:
        async with database.owned(owner) as session:
            if await connections.needs_only_newest(session, owner, vault):
                return is_done
        await rotate_key(database, owner, vault)
        is_done = True

"""Give somebody a key for their programs."""

from kit.db import Session as Transaction

from auth.domain.api_key import KEYS_MAX, ApiKey
from auth.domain.audit import AuditEntry
from auth.errors import TooManyKeys
from auth.store import api_keys, audit


async def create_api_key(session: Transaction, key: ApiKey, sealed_secret: bytes) -> None:
    """Save a key with its sealed secret, in a transaction of its owner.

    Raises:
        TooManyKeys: when there are as many as one person may have.
    """
    await api_keys.delete_expired(session, key.owner, key.created_at)
    if await api_keys.count(session, key.owner) >= KEYS_MAX:
        raise TooManyKeys(f"You have {KEYS_MAX} keys: delete one that you do not use.")
    await api_keys.save(session, key.owner, key, sealed_secret)
    said = {"scopes": " ".join(sorted(key.scopes)), "networks": " ".join(key.networks), "name": key.name}
    entry = AuditEntry(str(key.owner), "api_key_created", str(key.id), new=said)
    await audit.record(session, key.created_at, entry)

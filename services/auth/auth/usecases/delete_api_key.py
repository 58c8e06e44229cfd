"""Take a key away; what it has just been exchanged for is worthless within seconds as well."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.api_key import ApiKeyId
from auth.domain.audit import AuditEntry
from auth.domain.user import UserId
from auth.store import api_keys, audit, revocations


async def delete_api_key(session: Transaction, owner: UserId, key_id: ApiKeyId, now: datetime) -> bool:
    """Tell whether the owner had a key of this id; now they have not."""
    deleted = await api_keys.delete_key(session, owner, key_id)
    if deleted is None:
        return False
    await revocations.save_ended(session, [key_id], now)
    entry = AuditEntry(str(owner), "api_key_deleted", str(key_id), old={"name": deleted.name})
    await audit.record(session, now, entry)
    return True

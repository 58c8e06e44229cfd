"""Forget a passkey."""

from datetime import datetime

from kit.db import Session as Transaction
from kit.errors import NotFound

from auth.domain.audit import AuditEntry
from auth.domain.passkey import PasskeyId
from auth.domain.user import UserId
from auth.errors import LastWayIn
from auth.store import audit, passkeys, system


async def remove_passkey(session: Transaction, owner: UserId, wanted: PasskeyId, now: datetime) -> None:
    """Delete one of the owner's passkeys.

    Raises:
        NotFound: when there is none of this id.
        LastWayIn: when nothing else would let the owner in; then nothing is deleted.
    """
    await system.lock_credentials(session, owner)
    if not await passkeys.delete_one(session, owner, wanted):
        raise NotFound("You have no passkey with this id.")
    if not await system.find_way_in(session, owner):
        raise LastWayIn
    entry = AuditEntry(str(owner), "passkey_removed", str(owner), old={"passkey": str(wanted)})
    await audit.record(session, now, entry)

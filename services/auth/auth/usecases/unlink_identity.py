"""Unlink an identity."""

from datetime import datetime

from kit.db import Session as Transaction
from kit.errors import NotFound

from auth.domain.audit import AuditEntry
from auth.domain.identity import IdentityId
from auth.domain.user import UserId
from auth.errors import LastWayIn
from auth.store import audit, identities, system


async def unlink_identity(session: Transaction, owner: UserId, wanted: IdentityId, now: datetime) -> None:
    """Delete one of the owner's links.

    Raises:
        NotFound: when there is none of this id.
        LastWayIn: when nothing else would let the owner in; then nothing is deleted.
    """
    await system.lock_credentials(session, owner)
    if not await identities.delete_one(session, owner, wanted):
        raise NotFound("You have no identity with this id.")
    if not await system.find_way_in(session, owner):
        raise LastWayIn
    entry = AuditEntry(str(owner), "identity_unlinked", str(owner), old={"identity": str(wanted)})
    await audit.record(session, now, entry)

"""Link an identity to the account of somebody who is logged in."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.audit import AuditEntry
from auth.domain.identity import Claimed, IdentityId
from auth.domain.user import UserId
from auth.errors import IdentityTaken
from auth.store import audit, identities


async def link_identity(
    session: Transaction, owner: UserId, claimed: Claimed, identity_id: IdentityId, now: datetime
) -> None:
    """Save the link; linking the same again changes nothing.

    Raises:
        IdentityTaken: when it is linked to another account, or this account has another identity of the provider.
    """
    known = await identities.find_owner(session, claimed)
    if known == owner:
        return
    if known is not None or not await identities.save(session, owner, identity_id, claimed, now):
        raise IdentityTaken
    kept = {"provider": claimed.provider, "identity": str(identity_id)}
    await audit.record(session, now, AuditEntry(str(owner), "identity_linked", str(owner), new=kept))

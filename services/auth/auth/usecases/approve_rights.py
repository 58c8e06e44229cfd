"""Agree to rights that another admin has proposed."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.audit import AuditEntry
from auth.domain.user import User, UserId
from auth.errors import SecondAdminNeeded
from auth.store import audit, proposals, system
from auth.usecases.change_rights import change_rights


async def approve_rights(session: Transaction, actor: UserId, user_id: UserId, now: datetime) -> User | None:
    """Return the account as it is now, or None when nothing is proposed for it.

    Raises:
        SecondAdminNeeded: when who agrees is who proposed it.
    """
    if await system.lock_user(session, user_id) is None:
        return None
    proposal = await proposals.find(session, user_id, now)
    if proposal is None:
        return None
    if proposal.proposed_by == actor:
        raise SecondAdminNeeded("Have another admin agree: two people look at what lets somebody do more.")
    agreed = AuditEntry(str(actor), "rights_approved", str(user_id), new={"proposed_by": str(proposal.proposed_by)})
    await audit.record(session, now, agreed)
    return await change_rights(session, str(actor), user_id, proposal.of, now)

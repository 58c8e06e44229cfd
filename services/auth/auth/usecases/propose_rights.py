"""Change somebody's rights as an admin: what is tighter holds at once, what is looser waits for a second look."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.audit import AuditEntry
from auth.domain.proposal import WAITS, Proposal, without_loosening
from auth.domain.user import User, UserId, said_of
from auth.store import audit, proposals, system
from auth.usecases.change_rights import Change, change_rights


async def propose_rights(
    session: Transaction, actor: UserId, user_id: UserId, change: Change, now: datetime
) -> User | None:
    """Return the account as it is now, or None when there is none.

    What this admin has proposed before is changed with it: the role and the permissions are asked for one after the
    other. What another has proposed is withdrawn: nobody puts their name to it without having seen it.

    Raises:
        LastAdmin: as `change_rights`.
    """
    before = await system.lock_user(session, user_id)
    if before is None:
        return None
    standing = await proposals.find(session, user_id, now)
    own = standing is not None and standing.proposed_by == actor
    wanted = change(standing.of(before) if standing is not None and own else before)
    tighter = without_loosening(before, wanted)
    await proposals.delete_one(session, user_id)
    after = await change_rights(session, str(actor), user_id, lambda _: tighter, now)
    if wanted == tighter:
        return after
    alone = await system.count_admins(session) == 1
    effective_at = now + WAITS if alone else None
    await proposals.save(session, Proposal(user_id, actor, now, effective_at, wanted.role, wanted.permissions))
    old, new = said_of(tighter), said_of(wanted)
    looser = {name: value for name, value in new.items() if old[name] != value}
    await audit.record(
        session,
        now,
        AuditEntry(str(actor), "rights_proposed", str(user_id), {name: old[name] for name in looser}, looser),
    )
    return after

"""Change what somebody may do: the role, permissions, or whether the account is open at all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from kit.db import Session as Transaction
from kit.events import record

from auth.domain.audit import AuditEntry
from auth.domain.user import User, UserId, said_of
from auth.errors import LastAdmin
from auth.events import PermissionsChanged
from auth.store import audit, proposals, revocations, system
from auth.usecases.end_sessions import end_sessions

Change = Callable[[User], User]
"""From an account as it is to what it should be."""


async def change_rights(
    session: Transaction, actor: str, user_id: UserId, change: Change, now: datetime
) -> User | None:
    """Return the account as it is now, or None when there is none; older tokens are worthless from here on.

    Args:
        session: of the worker role: no other may write rights.
        actor: who changes it, as the audit log names them.
        user_id: whose rights.
        change: what to change; that it changes nothing is no mistake.
        now: the time.

    Raises:
        LastAdmin: when nobody would be left who can undo it.
    """
    before = await system.lock_user(session, user_id)
    if before is None:
        return None
    wanted = change(before)
    if wanted == before:
        return before
    if _administers(before) and not _administers(wanted) and await system.count_admins(session) == 1:
        raise LastAdmin("Make somebody else an admin first: nobody could undo this.")
    after = replace(wanted, rights_version=before.rights_version + 1)
    await proposals.delete_one(session, user_id)  # the last word counts
    await system.save_rights(session, after)
    await revocations.save_version(session, user_id, after.rights_version, now)
    if after.locked_at is not None and before.locked_at is None:
        await end_sessions(session, user_id, "locked", now)
    old, new = said_of(before), said_of(after)
    changed = [name for name in new if old[name] != new[name]]
    entry = AuditEntry(
        actor,
        "rights_changed",
        str(user_id),
        {name: old[name] for name in changed},
        {name: new[name] for name in changed},
    )
    await audit.record(session, now, entry)
    fact = PermissionsChanged(
        user_id=user_id,
        role=after.role,
        permissions=sorted(after.permissions.granted),
        locked=after.locked_at is not None,
    )
    await record(session, fact, owner=user_id)
    return after


def _administers(user: User) -> bool:
    return user.role == "admin" and user.locked_at is None

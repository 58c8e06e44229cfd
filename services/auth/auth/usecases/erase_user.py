"""Forget somebody: here at once, in every other service as soon as it hears of it."""

from datetime import datetime

from kit.db import Session as Transaction
from kit.events import record

from auth.domain.audit import AuditEntry
from auth.domain.export import SERVICES, Erasure, ErasureId
from auth.domain.user import UserId
from auth.errors import LastAdmin
from auth.events import UserErased
from auth.store import audit, leaving, system
from auth.usecases.end_sessions import end_sessions
from auth.usecases.withdraw_grants import withdraw_grants


async def erase_user(session: Transaction, user_id: UserId, erasure_id: ErasureId, now: datetime) -> Erasure | None:
    """Delete the account and announce it, in a transaction of the worker role; None when there is no such account.

    What stays is the audit log, which names a bare id, and the list of services that have yet to say they are done.

    Raises:
        LastAdmin: when nobody would be left to run the platform.
    """
    user = await system.lock_user(session, user_id)
    if user is None:
        return None
    if user.role == "admin" and user.locked_at is None and await system.count_admins(session) == 1:
        raise LastAdmin("Make somebody else an admin first: nobody could run this platform.")
    await end_sessions(session, user_id, "erased", now)
    await withdraw_grants(session, user_id, now)
    await leaving.delete_user(session, user_id)
    erasure = Erasure(erasure_id, user_id, now, dict.fromkeys(SERVICES) | {"auth": now})
    await leaving.save_erasure(session, erasure)
    await audit.record(session, now, AuditEntry(str(user_id), "user_erased", str(user_id)))
    await record(session, UserErased(user_id=user_id), owner=user_id)
    return erasure

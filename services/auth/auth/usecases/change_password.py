"""Change a password, knowing the one there is."""

from datetime import datetime

from kit.db import Database

from auth.domain.audit import AuditEntry
from auth.domain.password import is_short
from auth.domain.session import SessionId
from auth.errors import WeakPassword
from auth.store import audit, second_factors, system
from auth.usecases.accept_password import accept_password
from auth.usecases.check_password import Proven
from auth.usecases.end_sessions import end_sessions
from auth.usecases.weigh_password import Chosen


async def change_password(database: Database, proven: Proven, chosen: Chosen, spared: SessionId, now: datetime) -> int:
    """Save the new password, end the owner's other sessions, and return how many those were.

    Raises:
        WeakPassword: when it is short and the second factor was disabled meanwhile.
    """
    async with database.system() as session:
        owner = (await accept_password(session, proven)).user.id
        short = is_short(chosen.password)
        if short and not await second_factors.find_active(session, owner):
            raise WeakPassword("is too short without a second factor")
        await system.save_password(session, owner, chosen.password_hash, short=short)
        await audit.record(session, now, AuditEntry(str(owner), "password_changed", str(owner)))
        return await end_sessions(session, owner, "password_changed", now, spared=spared)

"""End a session, or all of them: their refresh tokens die at once."""

from datetime import datetime

from kit.db import Session as Transaction
from kit.events import record

from auth.domain.audit import AuditEntry
from auth.domain.session import EndReason, SessionId
from auth.domain.user import UserId
from auth.events import SessionRevoked
from auth.store import audit, revocations, sessions


async def end_sessions(
    session: Transaction,
    owner: UserId,
    because: EndReason,
    now: datetime,
    only: SessionId | None = None,
    spared: SessionId | None = None,
) -> int:
    """End the owner's sessions, or only one, or all but one; return how many went on until now.

    Their access tokens are worthless within seconds. What had ended before stays as it was, and is announced once.
    """
    ended = await sessions.save_end(session, owner, because, now, only, spared)
    await revocations.save_ended(session, ended, now)
    if ended:
        kept = {"because": because, "sessions": str(len(ended))}
        await audit.record(session, now, AuditEntry(str(owner), "sessions_ended", str(owner), new=kept))
    await record(session, *(SessionRevoked(user_id=owner, session_id=each) for each in ended), owner=owner)
    return len(ended)

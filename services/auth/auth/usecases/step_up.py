"""Prove again who you are, in a session that goes on: for acts that want fresh authentication."""

from datetime import datetime

from kit.db import Database

from auth.domain.audit import AuditEntry
from auth.domain.session import Session, SessionId
from auth.domain.user import User
from auth.errors import SessionOver
from auth.sealing import Sealer
from auth.store import audit, sessions
from auth.usecases.accept_password import accept_password
from auth.usecases.check_password import Proven
from auth.usecases.check_second_factor import check_second_factor


async def step_up(
    database: Database, sealer: Sealer, proven: Proven, otp: str | None, session_id: SessionId, now: datetime
) -> tuple[User, Session]:
    """Mark the session as freshly authenticated.

    Raises:
        SessionOver: when it has ended.
        OtpRequired, OtpWrong, TooManyAttempts: from the second factor.
    """
    async with database.system() as session:
        user = (await accept_password(session, proven)).user
        refusal = await check_second_factor(session, sealer, user.id, otp, now)
        authenticated = None
        if refusal is None:
            authenticated = await sessions.save_authenticated(session, user.id, session_id, now)
        if authenticated is not None:
            kept = {"session": str(session_id), "by": "password"}
            await audit.record(session, now, AuditEntry(str(user.id), "stepped_up", str(user.id), new=kept))
    if refusal is not None or authenticated is None:
        raise refusal or SessionOver()
    return user, authenticated

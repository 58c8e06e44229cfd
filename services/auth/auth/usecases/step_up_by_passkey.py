"""Prove again who you are by a passkey, in a session that goes on."""

from datetime import datetime

from kit.db import Database

from auth.ceremonies import Credential, RelyingParty
from auth.domain.audit import AuditEntry
from auth.domain.session import Session, SessionId
from auth.domain.user import User, UserId
from auth.errors import PasskeyRefused, SessionOver
from auth.store import audit, sessions, users
from auth.usecases.check_passkey import check_passkey


async def step_up_by_passkey(
    database: Database,
    party: RelyingParty,
    credential: Credential,
    owner: UserId,
    session_id: SessionId,
    now: datetime,
) -> tuple[User, Session]:
    """Mark the session as freshly authenticated.

    Raises:
        PasskeyRefused: whatever the reason is; the challenge is used up all the same.
        SessionOver: when the session has ended.
    """
    authenticated, user = None, None
    async with database.system() as session:
        proven = await check_passkey(session, party, credential, "step_up", owner, now)
        if proven is not None:
            authenticated = await sessions.save_authenticated(session, owner, session_id, now)
            user = await users.find(session, owner)
        done = "step_up_failed" if authenticated is None else "stepped_up"
        kept = {"session": str(session_id), "by": "passkey"}
        await audit.record(session, now, AuditEntry(str(owner), done, str(owner), new=kept))
    if proven is None:
        raise PasskeyRefused
    if authenticated is None or user is None:
        raise SessionOver
    return user, authenticated

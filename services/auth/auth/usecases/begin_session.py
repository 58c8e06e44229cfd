"""Begin a session for somebody who has proven who they are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kit.db import Session as Transaction

from auth.domain.audit import AuditEntry
from auth.domain.guessing import Place
from auth.domain.session import Device, Lifetimes, Session, SessionId, issue
from auth.domain.user import UserId
from auth.store import audit, places, sessions

Proof = Literal["password", "passkey", "provider"]
"""How somebody has proven who they are."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a new session is given: made outside, where time and randomness are."""

    session_id: SessionId
    refresh_token: str
    lifetimes: Lifetimes
    device: Device
    now: datetime


async def begin_session(session: Transaction, owner: UserId, place: Place, fresh: Fresh, *, by: Proof) -> Session:
    """Save the session and its first refresh token, and remember the place as one where the owner was.

    The caller has seen to it that the account is not locked.
    """
    begun = Session(
        fresh.session_id, owner, fresh.now, fresh.now + fresh.lifetimes.session, None, fresh.now, fresh.device
    )
    await sessions.save(session, owner, begun)
    await sessions.save_token(session, owner, issue(fresh.refresh_token, begun, fresh.lifetimes, fresh.now))
    await places.save(session, owner, place.digests, fresh.now)
    entry = AuditEntry(str(owner), "logged_in", str(owner), new={"session": str(begun.id), "by": by})
    await audit.record(session, fresh.now, entry)
    return begun

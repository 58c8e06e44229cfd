"""Log out with nothing but a refresh token."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.session import digest_of
from auth.store import system
from auth.usecases.end_sessions import end_sessions


async def end_session_of_token(session: Transaction, token: str, now: datetime) -> None:
    """End the session a token belongs to, be it spent or expired; a token nobody knows has nothing to end."""
    locked = await system.lock_refresh_token(session, digest_of(token))
    if locked is not None:
        _, family = locked
        await end_sessions(session, family.owner, "logout", now, family.id)

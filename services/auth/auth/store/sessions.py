"""Sessions and the digests of their refresh tokens."""

from dataclasses import asdict
from datetime import datetime

from kit.db import Session as Transaction
from sqlalchemy import insert, update

from auth.domain.session import EndReason, RefreshToken, Session, SessionId
from auth.domain.user import UserId
from auth.store.tables import refresh_tokens, sessions


async def save(session: Transaction, owner: UserId, begun: Session) -> None:
    """Save a new session."""
    await session.execute(
        insert(sessions).values(id=begun.id, owner_id=owner, begun_at=begun.begun_at, expires_at=begun.expires_at)
    )


async def save_token(session: Transaction, owner: UserId, token: RefreshToken) -> None:
    """Save a fresh refresh token."""
    values = asdict(token) | {"owner_id": owner}
    del values["owner"]
    await session.execute(insert(refresh_tokens).values(values))


async def save_spent(session: Transaction, owner: UserId, digest: bytes, salt: bytes, now: datetime) -> None:
    """Mark a locked token as spent, with the salt that makes its successor."""
    statement = update(refresh_tokens).where(refresh_tokens.c.owner_id == owner, refresh_tokens.c.digest == digest)
    await session.execute(statement.values(spent_at=now, salt=salt))


async def save_end(
    session: Transaction, owner: UserId, because: EndReason, now: datetime, only: SessionId | None = None
) -> list[SessionId]:
    """End the owner's sessions, or only one of them; return those that had not ended before."""
    statement = update(sessions).where(sessions.c.owner_id == owner, sessions.c.ended_at.is_(None))
    if only is not None:
        statement = statement.where(sessions.c.id == only)
    ended = await session.execute(statement.values(ended_at=now, ended_because=because).returning(sessions.c.id))
    return [SessionId(row.id) for row in ended]

"""Sessions and the digests of their refresh tokens."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from kit.db import Session as Transaction
from sqlalchemy import Row, insert, select, update

from auth.domain.session import Device, EndReason, RefreshToken, Session, SessionId, SessionShown
from auth.domain.user import UserId
from auth.store.tables import refresh_tokens, sessions


def session_of(row: Row[Any]) -> Session:
    """Build a session from its row."""
    return Session(
        SessionId(row.id),
        UserId(row.owner_id),
        row.begun_at,
        row.expires_at,
        row.ended_at,
        row.authenticated_at,
        Device(row.address, row.user_agent),
    )


async def save(session: Transaction, owner: UserId, begun: Session) -> None:
    """Save a new session."""
    await session.execute(
        insert(sessions).values(
            id=begun.id,
            owner_id=owner,
            begun_at=begun.begun_at,
            expires_at=begun.expires_at,
            authenticated_at=begun.authenticated_at,
            seen_at=begun.begun_at,
            address=begun.device.address,
            user_agent=begun.device.user_agent,
        )
    )


async def find(session: Transaction, owner: UserId, wanted: SessionId) -> Session | None:
    """Find one of the owner's sessions, ended or not."""
    statement = select(sessions).where(sessions.c.owner_id == owner, sessions.c.id == wanted)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else session_of(row)


async def list_living(session: Transaction, owner: UserId, now: datetime, most: int) -> list[SessionShown]:
    """List the owner's sessions that go on, the last used first."""
    going_on = sessions.c.ended_at.is_(None) & (sessions.c.expires_at > now)
    statement = select(sessions).where(sessions.c.owner_id == owner, going_on)
    rows = await session.execute(statement.order_by(sessions.c.seen_at.desc(), sessions.c.id).limit(most))
    return [
        SessionShown(SessionId(row.id), row.begun_at, row.seen_at, row.expires_at, Device(row.address, row.user_agent))
        for row in rows
    ]


async def save_seen(session: Transaction, owner: UserId, seen: SessionId, now: datetime) -> None:
    """Remember that a session was used just now."""
    statement = update(sessions).where(sessions.c.owner_id == owner, sessions.c.id == seen)
    await session.execute(statement.values(seen_at=now))


async def save_authenticated(session: Transaction, owner: UserId, proven: SessionId, now: datetime) -> Session | None:
    """Remember that its owner has just proven who they are; None when the session does not go on any more."""
    going_on = sessions.c.ended_at.is_(None) & (sessions.c.expires_at > now)
    statement = update(sessions).where(sessions.c.owner_id == owner, sessions.c.id == proven, going_on)
    row = (await session.execute(statement.values(authenticated_at=now).returning(sessions))).one_or_none()
    return None if row is None else session_of(row)


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
    session: Transaction,
    owner: UserId,
    because: EndReason,
    now: datetime,
    only: SessionId | None = None,
    spared: SessionId | None = None,
) -> list[SessionId]:
    """End the owner's sessions, or only one, or all but one; return those that had not ended before."""
    statement = update(sessions).where(sessions.c.owner_id == owner, sessions.c.ended_at.is_(None))
    if only is not None:
        statement = statement.where(sessions.c.id == only)
    if spared is not None:
        statement = statement.where(sessions.c.id != spared)
    ended = await session.execute(statement.values(ended_at=now, ended_because=because).returning(sessions.c.id))
    return [SessionId(row.id) for row in ended]

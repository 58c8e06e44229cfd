"""The look-ups that come before anybody is known, and housekeeping: worker role only."""

from datetime import datetime

from kit.db import Session as Transaction
from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.domain.guessing import WINDOW, Failures
from auth.domain.session import RefreshToken, Session, SessionId
from auth.domain.user import Role, User, UserId
from auth.store.tables import SHOWN, login_failures, refresh_tokens, sessions, users
from auth.store.users import user_of


async def find_user(session: Transaction, email: str) -> User | None:
    """Find an account by its normalised address."""
    row = (await session.execute(select(*SHOWN).where(users.c.email == email))).one_or_none()
    return None if row is None else user_of(row)


async def find_credentials(session: Transaction, email: str) -> tuple[User, str] | None:
    """Find an account and its password hash by its normalised address."""
    row = (await session.execute(select(*SHOWN, users.c.password_hash).where(users.c.email == email))).one_or_none()
    return None if row is None else (user_of(row), row.password_hash)


async def save_role(session: Transaction, user_id: UserId, role: Role) -> None:
    """Give an account another role."""
    await session.execute(update(users).where(users.c.id == user_id).values(role=role))


async def lock_refresh_token(session: Transaction, digest: bytes) -> tuple[RefreshToken, Session] | None:
    """Lock a token, then its session, always in this order; both as they are once locked."""
    tokens = select(refresh_tokens).where(refresh_tokens.c.digest == digest).with_for_update()
    found = (await session.execute(tokens)).one_or_none()
    if found is None:
        return None
    token = RefreshToken(
        found.digest,
        SessionId(found.session_id),
        UserId(found.owner_id),
        found.issued_at,
        found.expires_at,
        found.spent_at,
        found.salt,
    )
    family = select(sessions).where(sessions.c.id == found.session_id).with_for_update()
    row = (await session.execute(family)).one()
    return token, Session(SessionId(row.id), UserId(row.owner_id), row.begun_at, row.expires_at, row.ended_at)


async def find_failures(session: Transaction, key: bytes) -> Failures | None:
    """Find the count of failed log-ins of one account from one address."""
    statement = select(login_failures.c.failures, login_failures.c.since).where(login_failures.c.key == key)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else Failures(row.failures, row.since)


async def save_failure(session: Transaction, key: bytes, now: datetime) -> None:
    """Count one more failed log-in; the first after a window begins a new count."""
    over = login_failures.c.since <= now - WINDOW
    statement = insert(login_failures).values(key=key, failures=1, since=now)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[login_failures.c.key],
            set_={
                "failures": case((over, 1), else_=login_failures.c.failures + 1),
                "since": case((over, now), else_=login_failures.c.since),
            },
        )
    )


async def delete_failures(session: Transaction, key: bytes) -> None:
    """Forget the failures of an account at an address that has just logged in."""
    await session.execute(delete(login_failures).where(login_failures.c.key == key))


async def delete_expired(session: Transaction, now: datetime) -> None:
    """Forget sessions whose time is over, with their tokens, and counts whose window is."""
    await session.execute(delete(sessions).where(sessions.c.expires_at <= now))
    await session.execute(delete(login_failures).where(login_failures.c.since <= now - WINDOW))

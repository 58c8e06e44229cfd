"""The look-ups that come before anybody is known, and housekeeping: worker role only."""

from datetime import datetime, timedelta
from uuid import UUID

from kit.db import Session as Transaction
from sqlalchemy import case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.domain.api_key import WINDOW as SIGNATURE_WINDOW
from auth.domain.api_key import ApiKey, ApiKeyId
from auth.domain.delegation import Delegation
from auth.domain.guessing import WINDOW, Failures
from auth.domain.session import RefreshToken, Session, SessionId
from auth.domain.user import User, UserId
from auth.store.api_keys import key_of
from auth.store.tables import (
    SHOWN,
    api_keys,
    api_nonces,
    audit_log,
    delegations,
    login_failures,
    refresh_tokens,
    sessions,
    users,
)
from auth.store.users import user_of

USE_NOTED = timedelta(minutes=1)


async def find_user(session: Transaction, email: str) -> User | None:
    """Find an account by its normalised address."""
    row = (await session.execute(select(*SHOWN).where(users.c.email == email))).one_or_none()
    return None if row is None else user_of(row)


async def find_credentials(session: Transaction, email: str) -> tuple[User, str] | None:
    """Find an account and its password hash by its normalised address."""
    row = (await session.execute(select(*SHOWN, users.c.password_hash).where(users.c.email == email))).one_or_none()
    return None if row is None else (user_of(row), row.password_hash)


async def find_user_by_id(session: Transaction, user_id: UserId) -> User | None:
    """Find an account by its id."""
    row = (await session.execute(select(*SHOWN).where(users.c.id == user_id))).one_or_none()
    return None if row is None else user_of(row)


async def lock_user(session: Transaction, user_id: UserId) -> User | None:
    """Find an account and lock its row; changes of admins wait for one another, so that one is always left."""
    admins = select(users.c.id).where(users.c.role == "admin").order_by(users.c.id).with_for_update()
    await session.execute(admins)
    row = (await session.execute(select(*SHOWN).where(users.c.id == user_id).with_for_update(of=users))).one_or_none()
    return None if row is None else user_of(row)


async def count_admins(session: Transaction) -> int:
    """Count those who administer the platform and can log in."""
    statement = select(func.count()).where(users.c.role == "admin", users.c.locked_at.is_(None))
    return int(await session.scalar(statement) or 0)


async def save_rights(session: Transaction, user: User) -> None:
    """Save role, permissions, lock and version of a locked account."""
    permissions = user.permissions
    values = {
        "role": user.role,
        "may_paper": permissions.paper,
        "may_real": permissions.real,
        "premium": permissions.premium,
        "daily_trades_max": permissions.daily_trades_max,
        "calls_per_minute_max": permissions.calls_per_minute_max,
        "rights_version": user.rights_version,
        "locked_at": user.locked_at,
    }
    await session.execute(update(users).where(users.c.id == user.id).values(values))


async def list_users(session: Transaction, after: UserId | None, limit: int, text: str | None) -> list[User]:
    """List accounts in the order they were opened, those whose address or name holds a text."""
    statement = select(*SHOWN).order_by(users.c.id).limit(limit)
    if after is not None:
        statement = statement.where(users.c.id > after)
    if text:
        found = or_(users.c.email.icontains(text, autoescape=True), users.c.name.icontains(text, autoescape=True))
        statement = statement.where(found)
    return [user_of(row) for row in await session.execute(statement)]


async def find_usage(session: Transaction, user_id: UserId, now: datetime) -> dict[str, int]:
    """Count what somebody has open at this moment."""
    living = select(func.count()).where(
        sessions.c.owner_id == user_id, sessions.c.ended_at.is_(None), sessions.c.expires_at > now
    )
    keys = select(func.count()).where(api_keys.c.owner_id == user_id, api_keys.c.expires_at > now)
    entries = select(func.count()).where(audit_log.c.actor == str(user_id))
    names = ("sessions", "api_keys", "audit_entries")
    counts = (await session.execute(select(*(each.scalar_subquery() for each in (living, keys, entries))))).one()
    return dict(zip(names, counts, strict=True))


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


async def find_api_key(session: Transaction, key_id: ApiKeyId) -> tuple[ApiKey, bytes] | None:
    """Find a key with its sealed secret."""
    row = (await session.execute(select(api_keys).where(api_keys.c.id == key_id))).one_or_none()
    return None if row is None else (key_of(row), row.sealed_secret)


async def save_nonce(session: Transaction, key_id: ApiKeyId, nonce: str, now: datetime) -> bool:
    """Remember that a key's owner used this nonce; False when it was used before."""
    statement = insert(api_nonces).values(key_id=key_id, nonce=nonce, seen_at=now).on_conflict_do_nothing()
    return (await session.execute(statement)).rowcount == 1


async def save_use(session: Transaction, key_id: ApiKeyId, address: str, now: datetime) -> None:
    """Note when and from where a key was last used, to the minute: not every request rewrites the row."""
    stale = or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at < now - USE_NOTED)
    moved = api_keys.c.last_address.is_distinct_from(address)
    statement = update(api_keys).where(api_keys.c.id == key_id, or_(stale, moved))
    await session.execute(statement.values(last_used_at=now, last_address=address))


async def delete_old_nonces(session: Transaction, now: datetime) -> None:
    """Forget nonces of signatures that are too old to be taken anyway."""
    await session.execute(delete(api_nonces).where(api_nonces.c.seen_at <= now - 4 * SIGNATURE_WINDOW))


async def save_delegation(session: Transaction, owner: UserId, lent: Delegation, delegate_id: UserId) -> bool:
    """Save that somebody may look; False when they may already."""
    values = {"id": lent.id, "owner_id": owner, "delegate_id": delegate_id, "email": lent.email}
    statement = insert(delegations).values(**values, created_at=lent.created_at).on_conflict_do_nothing()
    return (await session.execute(statement)).rowcount == 1


async def delete_delegation(session: Transaction, owner: UserId, delegation_id: UUID) -> UserId | None:
    """Delete one of the owner's delegations; return who can no longer look."""
    statement = delete(delegations).where(delegations.c.owner_id == owner, delegations.c.id == delegation_id)
    found = await session.scalar(statement.returning(delegations.c.delegate_id))
    return None if found is None else UserId(found)


async def save_next_version(session: Transaction, user_id: UserId) -> int:
    """Raise the version of somebody's rights; return the new one."""
    statement = update(users).where(users.c.id == user_id).values(rights_version=users.c.rights_version + 1)
    return int(await session.scalar(statement.returning(users.c.rights_version)) or 0)

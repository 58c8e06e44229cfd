"""The look-ups that come before anybody is known, and housekeeping: worker role only."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from kit.db import Session as Transaction
from sqlalchemy import Row, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.domain.api_key import WINDOW as SIGNATURE_WINDOW
from auth.domain.api_key import ApiKey, ApiKeyId
from auth.domain.delegation import Delegation
from auth.domain.guessing import FAMILIAR_FOR, Count
from auth.domain.mail import KEPT_FOR, PENDING_TTL
from auth.domain.session import RefreshToken, Session, SessionId
from auth.domain.user import Credentials, User, UserId
from auth.store.api_keys import key_of
from auth.store.sessions import session_of
from auth.store.tables import (
    SHOWN,
    api_keys,
    api_nonces,
    audit_log,
    challenges,
    delegations,
    familiar_places,
    identities,
    login_failures,
    mail_tokens,
    mails,
    oauth_flows,
    oauth_tickets,
    passkeys,
    refresh_tokens,
    sessions,
    users,
)
from auth.store.users import save, user_of

USE_NOTED = timedelta(minutes=1)
PROVEN_BY = (*SHOWN, users.c.password_hash)
"""An account with what proves it."""


def _credentials_of(row: Row[*tuple[Any, ...]]) -> Credentials:
    return Credentials(user_of(row), row.password_hash, row.password_short, row.pending)


async def find_user(session: Transaction, email: str) -> User | None:
    """Find an account by its normalised address."""
    row = (await session.execute(select(*SHOWN).where(users.c.email == email))).one_or_none()
    return None if row is None else user_of(row)


async def find_credentials(session: Transaction, email: str) -> Credentials | None:
    """Find an account and its password hash by its normalised address."""
    row = (await session.execute(select(*PROVEN_BY).where(users.c.email == email))).one_or_none()
    return None if row is None else _credentials_of(row)


async def lock_credentials(session: Transaction, user_id: UserId) -> Credentials | None:
    """Lock an account, as it is once locked."""
    statement = select(*PROVEN_BY).where(users.c.id == user_id).with_for_update(of=users)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else _credentials_of(row)


async def save_password(session: Transaction, user_id: UserId, password_hash: str | None, *, short: bool) -> None:
    """Give an account another password, or none."""
    statement = update(users).where(users.c.id == user_id)
    await session.execute(statement.values(password_hash=password_hash, password_short=short))


async def find_way_in(session: Transaction, user_id: UserId) -> bool:
    """Tell whether there is any way to log in to an account: a password, a passkey, or another provider."""
    password = select(users.c.id).where(users.c.id == user_id, users.c.password_hash.is_not(None))
    return bool(await session.scalar(select(password.exists()))) or await find_other_way_in(session, user_id)


async def find_other_way_in(session: Transaction, user_id: UserId) -> bool:
    """Tell whether there is a way to log in to an account besides a password."""
    passkey = select(passkeys.c.id).where(passkeys.c.owner_id == user_id)
    identity = select(identities.c.id).where(identities.c.owner_id == user_id)
    return bool(await session.scalar(select(passkey.exists() | identity.exists())))


async def find_verified(session: Transaction, user_id: UserId) -> bool:
    """Tell whether we have verified that the address is this person's."""
    return await session.scalar(select(users.c.email_verified_at).where(users.c.id == user_id)) is not None


async def save_without_password(session: Transaction, user: User, now: datetime) -> bool:
    """Save an account whose address another provider has verified; False when the address is taken."""
    if not await save(session, user.id, user, None):
        return False
    await save_verified(session, user.id, now)
    return True


async def save_verified(session: Transaction, user_id: UserId, now: datetime) -> None:
    """Remember that the address is this person's: whoever can read its mail says so."""
    statement = update(users).where(users.c.id == user_id)
    verified_at = func.coalesce(users.c.email_verified_at, now)
    await session.execute(statement.values(email_verified_at=verified_at, pending=False))


async def save_pending(session: Transaction, pending: User, password_hash: str) -> bool:
    """Save an account that waits for its address to be verified, in place of one that waited; False when one is in use.

    Nobody knows yet whose address it is, so the last to register counts: the mail goes to whoever owns it.
    """
    waits = select(users.c.id).where(users.c.email == pending.email, users.c.pending)
    await session.execute(delete(users).where(users.c.id.in_(waits)))
    if not await save(session, pending.id, pending, password_hash):
        return False
    await session.execute(update(users).where(users.c.id == pending.id).values(pending=True))
    return True


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
    return token, session_of(row)


async def save_try(session: Transaction, count: Count, now: datetime) -> datetime | None:
    """Count a try as failed before it is made; when there is no room for it, return when there will be.

    The row stays locked, so that tries made at once are counted one after the other.
    """
    over = login_failures.c.until <= now
    statement = insert(login_failures).values(key=count.key, failures=1, until=count.until)
    counted = await session.execute(
        statement.on_conflict_do_update(
            index_elements=[login_failures.c.key],
            set_={
                "failures": case((over, 1), else_=login_failures.c.failures + 1),
                "until": case((over, count.until), else_=login_failures.c.until),
            },
            where=over | (login_failures.c.failures < count.failures_max),
        ).returning(login_failures.c.failures)
    )
    if counted.one_or_none() is not None:
        return None
    until: datetime | None = await session.scalar(
        select(login_failures.c.until).where(login_failures.c.key == count.key)
    )
    return until


async def delete_try(session: Transaction, count: Count) -> None:
    """Take back a try that was no failure; where one success forgives all, the earlier ones as well."""
    mine = login_failures.c.key == count.key
    if count.forgiven:
        await session.execute(delete(login_failures).where(mine))
    else:
        fewer = func.greatest(login_failures.c.failures - 1, 0)
        await session.execute(update(login_failures).where(mine).values(failures=fewer))


async def delete_failures(session: Transaction, key: bytes) -> None:
    """Forget one count."""
    await session.execute(delete(login_failures).where(login_failures.c.key == key))


async def delete_expired(session: Transaction, now: datetime) -> None:
    """Forget what has no use any more: sessions with their tokens, counts, places, mails, accounts never verified."""
    await session.execute(delete(sessions).where(sessions.c.expires_at <= now))
    await session.execute(delete(login_failures).where(login_failures.c.until <= now))
    await session.execute(delete(familiar_places).where(familiar_places.c.seen_at <= now - FAMILIAR_FOR))
    for table in (challenges, oauth_flows, oauth_tickets, mail_tokens):
        await session.execute(delete(table).where(table.c.expires_at <= now))
    await session.execute(delete(mails).where(mails.c.written_at <= now - KEPT_FOR))
    await session.execute(delete(users).where(users.c.pending, users.c.created_at <= now - PENDING_TTL))


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


async def delete_api_keys(session: Transaction, owner: UserId) -> list[ApiKeyId]:
    """Delete all of the owner's keys; return which those were."""
    deleted = await session.scalars(delete(api_keys).where(api_keys.c.owner_id == owner).returning(api_keys.c.id))
    return [ApiKeyId(key_id) for key_id in deleted]


async def delete_delegations(session: Transaction, owner: UserId) -> list[UserId]:
    """Delete all of the owner's delegations; return who can no longer look, in an order all keep to."""
    statement = delete(delegations).where(delegations.c.owner_id == owner)
    return sorted(
        UserId(delegate) for delegate in await session.scalars(statement.returning(delegations.c.delegate_id))
    )


async def save_next_version(session: Transaction, user_id: UserId) -> int:
    """Raise the version of somebody's rights; return the new one."""
    statement = update(users).where(users.c.id == user_id).values(rights_version=users.c.rights_version + 1)
    return int(await session.scalar(statement.returning(users.c.rights_version)) or 0)

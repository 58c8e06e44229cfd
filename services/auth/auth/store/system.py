"""The look-ups that come before anybody is known, and housekeeping: worker role only."""

from datetime import datetime

from kit.db import Session as Transaction
from sqlalchemy import case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from auth.domain.guessing import FAMILIAR_FOR, Count
from auth.domain.mail import KEPT_FOR, PENDING_TTL
from auth.domain.session import RefreshToken, Session, SessionId
from auth.domain.user import Credentials, Role, User, UserId
from auth.store.sessions import session_of
from auth.store.tables import (
    SHOWN,
    challenges,
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


async def find_user(session: Transaction, email: str) -> User | None:
    """Find an account by its normalised address."""
    row = (await session.execute(select(*SHOWN).where(users.c.email == email))).one_or_none()
    return None if row is None else user_of(row)


async def find_credentials(session: Transaction, email: str) -> Credentials | None:
    """Find an account and its password hash by its normalised address."""
    row = (await session.execute(select(users).where(users.c.email == email))).one_or_none()
    return None if row is None else Credentials(user_of(row), row.password_hash, row.password_short, row.pending)


async def lock_credentials(session: Transaction, user_id: UserId) -> Credentials | None:
    """Lock an account, as it is once locked."""
    row = (await session.execute(select(users).where(users.c.id == user_id).with_for_update())).one_or_none()
    return None if row is None else Credentials(user_of(row), row.password_hash, row.password_short, row.pending)


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

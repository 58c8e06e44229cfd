"""Mails that are to be sent, and the one-time tokens that were."""

from datetime import datetime
from uuid import UUID

from kit.db import Session as Transaction
from sqlalchemy import delete, insert, select, update

from auth.domain.mail import LEASE, PAUSE, TRIES_MAX, MailKind, Purpose
from auth.domain.user import UserId
from auth.store.tables import mail_tokens, mails

SHARED = "the worker sends everybody's mails, and a token says whose it is"


async def save(session: Transaction, mail_id: UUID, owner: UserId, kind: MailKind, now: datetime) -> None:
    """Save a mail to be sent, unless one of its kind was written a few minutes ago."""
    lately = select(mails.c.id).where(mails.c.owner_id == owner, mails.c.kind == kind, mails.c.written_at > now - PAUSE)
    if await session.scalar(lately.limit(1)) is None:
        await session.execute(
            insert(mails).values(id=mail_id, owner_id=owner, kind=kind, written_at=now, due_at=now, tries=0)
        )


async def lock_due(session: Transaction, now: datetime) -> tuple[UUID, UserId, MailKind, int] | None:
    """Take the mail that is due the longest: nobody else does, for the time one try may take."""
    due = select(mails).where(mails.c.sent_at.is_(None), mails.c.due_at <= now, mails.c.tries < TRIES_MAX)
    statement = due.order_by(mails.c.due_at).limit(1).with_for_update(skip_locked=True)
    row = (await session.execute(statement)).one_or_none()
    if row is None:
        return None
    taken = update(mails).where(mails.c.id == row.id)
    await session.execute(taken.values(due_at=now + LEASE, tries=mails.c.tries + 1))
    return row.id, UserId(row.owner_id), row.kind, row.tries


async def save_sent(session: Transaction, mail_id: UUID, now: datetime) -> None:
    """Remember that the server took it."""
    await session.execute(update(mails).where(mails.c.id == mail_id).values(sent_at=now))


async def save_later(session: Transaction, mail_id: UUID, due_at: datetime) -> None:
    """Try again at another time."""
    await session.execute(update(mails).where(mails.c.id == mail_id).values(due_at=due_at))


async def save_token(
    session: Transaction, owner: UserId, digest: bytes, purpose: Purpose, expires_at: datetime
) -> None:
    """Save a one-time token's digest."""
    values = {"digest": digest, "owner_id": owner, "purpose": purpose, "expires_at": expires_at}
    await session.execute(insert(mail_tokens).values(values))


async def find_token(session: Transaction, digest: bytes, purpose: Purpose, now: datetime) -> UserId | None:
    """Find whose a token is, while it is good."""
    good = mail_tokens.c.digest == digest, mail_tokens.c.purpose == purpose, mail_tokens.c.expires_at > now
    owner = await session.scalar(select(mail_tokens.c.owner_id).where(*good))
    return None if owner is None else UserId(owner)


async def delete_token(session: Transaction, digest: bytes, purpose: Purpose, now: datetime) -> UserId | None:
    """Use a token up, and with it all others of its owner and purpose; return whose it was."""
    good = mail_tokens.c.digest == digest, mail_tokens.c.purpose == purpose, mail_tokens.c.expires_at > now
    owner = await session.scalar(delete(mail_tokens).where(*good).returning(mail_tokens.c.owner_id))
    if owner is None:
        return None
    await session.execute(delete(mail_tokens).where(mail_tokens.c.owner_id == owner, mail_tokens.c.purpose == purpose))
    return UserId(owner)

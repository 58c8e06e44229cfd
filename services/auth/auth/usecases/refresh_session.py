"""Spend a refresh token for its successor."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db import Session as Transaction

from auth.domain.session import Lifetimes, Session, Verdict, digest_of, issue, judge, successor_of
from auth.domain.user import User
from auth.store import mails, sessions, system, users
from auth.usecases.end_sessions import end_sessions


@dataclass(frozen=True, slots=True)
class Refreshed:
    """A session that goes on: with whom, and by which token."""

    user: User
    session: Session
    refresh_token: str


async def refresh_session(
    session: Transaction, token: str, salt: bytes, lifetimes: Lifetimes, now: datetime, mail_id: UUID | None = None
) -> Refreshed | None:
    """Return the successor of a token, or None when it is worth nothing.

    Those who present one token at the same time wait for one another and get the same successor. A refusal is a value,
    not an exception, because a reused token ends its session, and that must be committed.

    Args:
        session: of the worker role: nobody is known yet.
        token: as presented.
        salt: 32 random bytes, for the successor.
        lifetimes: of the successor.
        now: the time.
        mail_id: for the mail that tells the owner of a token used twice; None where no mail is sent.
    """
    locked = await system.lock_refresh_token(session, digest_of(token))
    if locked is None:
        return None
    spent, family = locked
    user = await users.find(session, family.owner)
    assert user is not None, "a session has its user: the table says so"
    if user.locked_at is not None:
        return None
    match judge(spent, family, now):
        case Verdict.REFUSE:
            return None
        case Verdict.REUSE:
            if await end_sessions(session, family.owner, "reuse", now, family.id) and mail_id is not None:
                await mails.save(session, mail_id, family.owner, "session_reused", now)
            return None
        case Verdict.REPEAT:
            assert spent.salt is not None, "a spent token has its salt: the table says so"
            successor = successor_of(token, spent.salt)
        case Verdict.ROTATE:
            successor = successor_of(token, salt)
            await sessions.save_spent(session, family.owner, spent.digest, salt, now)
            await sessions.save_token(session, family.owner, issue(successor, family, lifetimes, now))
    await sessions.save_seen(session, family.owner, family.id, now)
    return Refreshed(user, family, successor)

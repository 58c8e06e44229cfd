"""Check a password, and begin a session."""

from dataclasses import dataclass
from datetime import datetime

from kit.db import Database

from auth.domain import guessing, password
from auth.domain.audit import AuditEntry
from auth.domain.session import Lifetimes, Session, SessionId, issue
from auth.domain.user import User
from auth.errors import TooManyAttempts, WrongCredentials
from auth.hashing import Hasher
from auth.store import audit, sessions, system


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who says who they are, and from where."""

    email: str
    password: str
    address: str

    @property
    def key(self) -> bytes:
        """What the failures of this attempt are counted under."""
        return guessing.key_of(self.email, self.address)


@dataclass(frozen=True, slots=True)
class Fresh:
    """What a successful attempt is given: made outside, where time and randomness are."""

    session_id: SessionId
    refresh_token: str
    lifetimes: Lifetimes
    now: datetime


async def log_in(database: Database, hasher: Hasher, attempt: Attempt, fresh: Fresh) -> tuple[User, Session]:
    """Return who it is and the session that begins.

    The hash is computed between two transactions, not inside one: it takes long, and waits for its turn. The count of
    failures is read and written within that turn, so that a thousand guesses sent at once are no more than ten.

    Raises:
        TooManyAttempts: before the password is looked at, whether the account exists or not.
        WrongCredentials: after the same work and with the same words for a wrong password and an unknown address.
    """
    async with hasher.turn() as turn:
        async with database.system() as session:
            wait = guessing.wait_of(await system.find_failures(session, attempt.key), fresh.now)
            known = await system.find_credentials(session, attempt.email)
        if wait is not None:
            raise TooManyAttempts(wait)
        user, password_hash = known or (None, None)
        fits = await turn.fits(password_hash, password.normalise(attempt.password))
        if user is None or not fits or user.locked_at is not None:
            subject = "nobody" if user is None else str(user.id)
            async with database.system() as session:
                await system.save_failure(session, attempt.key, fresh.now)
                await audit.record(session, fresh.now, AuditEntry("", "log_in_failed", subject))
            raise WrongCredentials("Check the address and the password, and try again.")
    begun = Session(fresh.session_id, user.id, fresh.now, fresh.now + fresh.lifetimes.session, ended_at=None)
    async with database.system() as session:
        await system.delete_failures(session, attempt.key)
        await sessions.save(session, user.id, begun)
        kept = {"session": str(begun.id)}
        await audit.record(session, fresh.now, AuditEntry(str(user.id), "logged_in", str(user.id), new=kept))
        await sessions.save_token(session, user.id, issue(fresh.refresh_token, begun, fresh.lifetimes, fresh.now))
    return user, begun

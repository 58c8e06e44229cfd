"""Find out whether a password is right, counting the try before it is made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from kit.db import Database
from kit.db import Session as Transaction

from auth.domain import guessing, password
from auth.domain.audit import AuditEntry
from auth.domain.guessing import Count, Place
from auth.domain.user import Credentials
from auth.errors import TooManyAttempts, WrongCredentials
from auth.hashing import Hasher
from auth.store import audit, places, system


@dataclass(frozen=True, slots=True)
class Attempt:
    """Who says who they are, by which password, from where, and what for."""

    email: str
    password: str
    place: Place
    purpose: Literal["log_in", "step_up", "password_change"] = "log_in"


@dataclass(frozen=True, slots=True)
class Proven:
    """A password that was right a moment ago."""

    credentials: Credentials
    place: Place
    counts: Sequence[Count]
    """What the try was counted under; `accept_password` gives it back."""
    rehashed: str | None
    """The password hashed as hard as we hash today, when it was hashed more weakly."""


async def check_password(database: Database, hasher: Hasher, attempt: Attempt, now: datetime) -> Proven:
    """Return what was proven; the caller accepts it in the transaction that makes use of it.

    The hash is computed between two transactions, not inside one: it takes long, and waits for its turn. The try is
    counted as a failure before it is made, so that a thousand sent at once to many processes are no more than the
    limit.

    Raises:
        TooManyAttempts: before the password is looked at, whether the account exists or not.
        WrongCredentials: after the same work and with the same words for a wrong password, an unknown address and an
            account that is locked.
    """
    async with hasher.turn() as turn:
        async with database.system() as session:
            known = await system.find_credentials(session, attempt.email)
            counts = await _count(session, attempt, known, now)
        stored = None if known is None else known.password_hash
        normalised = password.normalise(attempt.password)
        fits = await turn.fits(stored, normalised)
        if known is None or stored is None or not fits or known.user.locked_at is not None:
            async with database.system() as session:
                await audit.record(session, now, _failure(attempt, known))
            raise WrongCredentials
        rehashed = await turn.hash(normalised) if hasher.is_outdated(stored) else None
    return Proven(known, attempt.place, counts, rehashed)


def _failure(attempt: Attempt, known: Credentials | None) -> AuditEntry:
    subject = "nobody" if known is None else str(known.user.id)
    actor = "" if attempt.purpose == "log_in" else subject
    return AuditEntry(actor, f"{attempt.purpose}_failed", subject)


async def _count(session: Transaction, attempt: Attempt, known: Credentials | None, now: datetime) -> Sequence[Count]:
    digests = attempt.place.digests
    seen = await places.find_familiar(session, known.user.id, digests, now) if known else frozenset()
    # the device before the address: a device is one person's, an address may be a whole office's
    familiar = next((digest for digest in reversed(digests) if digest in seen), None)
    counts = guessing.counts_of(attempt.email, attempt.place, now, familiar=familiar)
    for count in counts:
        if (until := await system.save_try(session, count, now)) is not None:
            raise TooManyAttempts(until - now)
    return counts

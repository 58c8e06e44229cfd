"""How often a password may be tried: for one account from one address, so that nobody can lock somebody else out."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

FAILURES_MAX = 10
WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed tries since the first of them."""

    count: int
    since: datetime


def key_of(email: str, address: str) -> bytes:
    """Name an account and an address without storing either: also of people who have no account here."""
    return hashlib.sha256(f"{email}\0{address}".encode()).digest()


def wait_of(failures: Failures | None, now: datetime) -> timedelta | None:
    """Return how long to wait before another try, or None when it may be made now."""
    if failures is None or failures.count < FAILURES_MAX or now - failures.since >= WINDOW:
        return None
    return failures.since + WINDOW - now

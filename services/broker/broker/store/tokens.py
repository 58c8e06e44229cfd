"""Brokers' tokens: found by the print of a key, which says nothing about whose it is; nobody owns them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.db import Session
from sqlalchemy import text

SHARED = "found by the print of a key that only its owner can give; every process of the service shares them"
_FIND = text("SELECT asked_at, until, box FROM broker_tokens WHERE key_print = :print")
# Whoever writes here may ask the broker: nobody else can for as long as `every` says, whatever becomes of the asking.
_CLAIM = text(
    """
    INSERT INTO broker_tokens AS t (key_print, asked_at) VALUES (:print, :now)
    ON CONFLICT (key_print) DO UPDATE SET asked_at = excluded.asked_at
          WHERE t.asked_at <= excluded.asked_at - CAST(:every AS interval)
    RETURNING 1
    """
)
_SAVE = text("UPDATE broker_tokens SET until = :until, box = :box WHERE key_print = :print")

_DELETE = text("DELETE FROM broker_tokens WHERE key_print = :print")
_DELETE_OLD = text("DELETE FROM broker_tokens WHERE coalesce(until, asked_at) < :before AND asked_at < :before")


@dataclass(frozen=True, slots=True)
class SealedToken:
    """A token as it is kept: when it was asked for last, and, once it came, until when it lives."""

    asked_at: datetime
    until: datetime | None
    box: bytes | None


async def find_token(session: Session, key_print: bytes) -> SealedToken | None:
    """The token of a key."""
    row = (await session.execute(_FIND, {"print": key_print})).first()
    return None if row is None else SealedToken(row.asked_at, row.until, row.box)


async def claim_token(session: Session, key_print: bytes, now: datetime, every: timedelta) -> bool:
    """Become the one who asks the broker; false when somebody did so short of `every` ago."""
    asked = {"print": key_print, "now": now, "every": every}
    return (await session.execute(_CLAIM, asked)).first() is not None


async def save_token(session: Session, key_print: bytes, until: datetime, box: bytes) -> None:
    """Keep a token that came."""
    await session.execute(_SAVE, {"print": key_print, "until": until, "box": box})


async def delete_token(session: Session, key_print: bytes) -> None:
    """Forget the token of a key."""
    await session.execute(_DELETE, {"print": key_print})


async def delete_old(session: Session, before: datetime) -> int:
    """Forget tokens that ended before a moment, and askings from before it that none came of; how many."""
    return (await session.execute(_DELETE_OLD, {"before": before})).rowcount

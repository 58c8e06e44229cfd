"""Sessions and their refresh tokens: one is spent for the next, and a spent one that returns late was stolen."""

import base64
import enum
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NewType
from uuid import UUID

from auth.domain.user import UserId

SessionId = NewType("SessionId", UUID)
EndReason = Literal[
    "logout",
    "logout_all",
    "reuse",
    "revoked",
    "password_changed",
    "password_reset",
    "locked",
    "erased",
    "second_factor_reset",
]

SECRET_BYTES = 32
TOKEN_LENGTH = 43
"""Characters of 256 bits in base64url."""
GRACE = timedelta(seconds=10)
"""How long a spent token still gives its successor: for the reply that was lost, and for tabs that ask together."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a token waits to be used, and how long a session lasts however busy it is."""

    refresh: timedelta
    session: timedelta


@dataclass(frozen=True, slots=True)
class Device:
    """What a session was begun with, for its owner to recognise."""

    address: str
    user_agent: str


NOWHERE = Device("", "")
ADDRESS_LENGTH_MAX = 64
USER_AGENT_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Session:
    """One log-in on one device."""

    id: SessionId
    owner: UserId
    begun_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    authenticated_at: datetime
    """When its owner last proved who they are; refreshing proves nothing."""
    device: Device = NOWHERE


@dataclass(frozen=True, slots=True)
class SessionShown:
    """A living session, as its owner sees it."""

    id: SessionId
    begun_at: datetime
    seen_at: datetime
    expires_at: datetime
    device: Device


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What is kept of a token: never itself. `salt` is set when it is spent, and makes its successor."""

    digest: bytes
    session_id: SessionId
    owner: UserId
    issued_at: datetime
    expires_at: datetime
    spent_at: datetime | None
    salt: bytes | None


class Verdict(enum.Enum):
    """What a presented token is worth."""

    ROTATE = "spend it and issue its successor"
    REPEAT = "its successor again: the first reply was lost, or two asked at once"
    REFUSE = "expired, or its session has ended"
    REUSE = "spent long ago: either we or a thief have the newer one, so the session ends"


def judge(token: RefreshToken, session: Session, now: datetime) -> Verdict:
    """Decide about a presented token, given its locked row and that of its session."""
    if session.ended_at is not None or now >= session.expires_at:
        return Verdict.REFUSE
    if token.spent_at is not None:
        return Verdict.REPEAT if now - token.spent_at <= GRACE else Verdict.REUSE
    return Verdict.ROTATE if now < token.expires_at else Verdict.REFUSE


def encode(secret: bytes) -> str:
    """Write 256 bits as the text that travels."""
    return base64.urlsafe_b64encode(secret).decode().rstrip("=")


def digest_of(token: str) -> bytes:
    """Return what is stored of a token: 256 random bits need no slow hash."""
    return hashlib.sha256(token.encode()).digest()


def successor_of(token: str, salt: bytes) -> str:
    """Return the token that follows: it can be made again in the grace window, but only by who holds this one.

    The stored salt alone gives nothing away, and neither does the token without it.
    """
    return encode(hmac.digest(token.encode(), salt, "sha256"))


def issue(token: str, session: Session, lifetimes: Lifetimes, now: datetime) -> RefreshToken:
    """Return the row of a fresh token: usable for its own time, but never beyond its session's end."""
    expires_at = min(now + lifetimes.refresh, session.expires_at)
    return RefreshToken(digest_of(token), session.id, session.owner, now, expires_at, spent_at=None, salt=None)

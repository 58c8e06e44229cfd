"""A person with an account."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Literal, NewType
from uuid import UUID

from auth.domain.rights import OF_EVERYBODY, Permissions

UserId = NewType("UserId", UUID)
Role = Literal["admin", "user", "viewer"]
Language = Literal["ko", "en"]

NAME_LENGTH_MAX = 100
LANGUAGE_DEFAULT: Language = "ko"
TIME_ZONE_DEFAULT = "Asia/Seoul"
TIME_ZONE_LENGTH_MAX = 64


@dataclass(frozen=True, slots=True)
class Profile:
    """What people say about themselves, and may change."""

    name: str
    language: Language
    time_zone: str


@dataclass(frozen=True, slots=True)
class User:
    """An account. Its password hash is not part of it, so that it cannot slip into an answer or a log."""

    id: UserId
    email: str
    role: Role
    profile: Profile
    created_at: datetime
    permissions: Permissions = OF_EVERYBODY
    """Whoever registers may use paper money; the rest is the operator's to allow."""
    rights_version: int = 0
    """Grows with every change of role, permissions or delegations."""
    locked_at: datetime | None = None
    lenders: frozenset[UUID] = frozenset()
    """Who lets this person look at their accounts."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account together with what proves it: not for answers or logs."""

    user: User
    password_hash: str | None = field(repr=False)
    """None for who only ever comes by passkey or another provider."""
    password_short: bool
    """Whether the password is good only together with a second factor."""
    pending: bool
    """Whether the account waits for its address to be verified."""


def said_of(user: User) -> dict[str, str]:
    """Return what somebody is and may do, as the audit log writes it."""
    figures = {name: str(value) for name, value in asdict(user.permissions).items()}
    return {"role": user.role, "locked": str(user.locked_at is not None), **figures}

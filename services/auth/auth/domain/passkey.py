"""Passkeys: keys that stay on a person's device and sign challenges."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NewType
from uuid import UUID

from auth.domain.user import UserId

PasskeyId = NewType("PasskeyId", UUID)
Ceremony = Literal["register", "log_in", "step_up"]

CHALLENGE_BYTES = 32
CHALLENGE_TTL = timedelta(minutes=2)
PASSKEYS_MAX = 20
WANTED_MIN = 2
"""How many there must be before a password is no longer enough without one: one may be lost."""
NAME_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class Key:
    """The public half, and how often the device says it was used."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as it is used."""

    id: PasskeyId
    owner: UserId
    key: Key


@dataclass(frozen=True, slots=True)
class PasskeyShown:
    """A passkey as its owner sees it."""

    id: PasskeyId
    name: str
    created_at: datetime
    used_at: datetime | None

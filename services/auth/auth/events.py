"""Everything auth announces."""

from typing import ClassVar
from uuid import UUID

from kit.events import Event


class UserRegistered(Event):
    """Somebody opened an account with the platform."""

    TYPE: ClassVar[str] = "auth.user.registered.v1"
    SUBJECT: ClassVar[str] = "user_id"
    MUST_REACH: ClassVar[bool] = False
    user_id: UUID
    email: str
    name: str


class SessionRevoked(Event):
    """A session has ended before its time: by logging out, or because its refresh token was used twice."""

    TYPE: ClassVar[str] = "auth.session.revoked.v1"
    SUBJECT: ClassVar[str] = "session_id"
    MUST_REACH: ClassVar[bool] = False
    user_id: UUID
    session_id: UUID


class PermissionsChanged(Event):
    """What somebody may do has changed: the role, a permission or figure, or the account was locked or opened."""

    TYPE: ClassVar[str] = "auth.permissions.changed.v1"
    SUBJECT: ClassVar[str] = "user_id"
    user_id: UUID
    role: str
    permissions: list[str]
    locked: bool


class SecondFactorReset(Event):
    """The operator has taken somebody's second factor off: whoever did not ask for that has to act."""

    TYPE: ClassVar[str] = "auth.second_factor.reset.v1"
    SUBJECT: ClassVar[str] = "user_id"
    user_id: UUID


class UserErased(Event):
    """Somebody has left and is to be forgotten: whoever holds anything of theirs deletes it, or takes their name off.

    Each service that hears it announces `<service>.owner.erased.v1` when it is done.
    """

    TYPE: ClassVar[str] = "auth.user.erased.v1"
    SUBJECT: ClassVar[str] = "user_id"
    user_id: UUID

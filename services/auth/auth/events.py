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

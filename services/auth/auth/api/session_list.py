"""Where you are logged in, and ending that."""

from datetime import datetime

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, NotFound, responses
from pydantic import BaseModel

from auth.domain.session import SessionId
from auth.domain.user import UserId
from auth.store import sessions
from auth.usecases.end_sessions import end_sessions

router = APIRouter(prefix="/api/v1/auth/sessions", tags=["auth"])

SESSIONS_SHOWN_MAX = 200


class SessionShown(BaseModel):
    """A session that goes on; `current` is the one of this very request."""

    id: SessionId
    current: bool
    begun_at: datetime
    seen_at: datetime
    expires_at: datetime
    address: str
    user_agent: str


class SessionList(BaseModel):
    """The sessions last used come first; of more than 200 the others are ended by logging out everywhere."""

    items: list[SessionShown]
    next_cursor: None = None


@router.get("", responses=AUTHENTICATED)
async def list_sessions(session: OwnedSession, user: CurrentUser) -> SessionList:
    """Show where you are logged in."""
    living = await sessions.list_living(session, UserId(user.user_id), now(), SESSIONS_SHOWN_MAX)
    return SessionList(
        items=[
            SessionShown(
                id=each.id,
                current=each.id == user.session_id,
                begun_at=each.begun_at,
                seen_at=each.seen_at,
                expires_at=each.expires_at,
                address=each.device.address,
                user_agent=each.device.user_agent,
            )
            for each in living
        ]
    )


@router.delete("/{session_id}", status_code=204, responses={**AUTHENTICATED, **responses(NotFound)})
async def end_session(session_id: SessionId, session: OwnedSession, user: CurrentUser) -> None:
    """End one of your sessions."""
    if not await end_sessions(session, UserId(user.user_id), "revoked", now(), only=session_id):
        raise NotFound("No session of yours that goes on has this id.")

"""What people see and change about themselves."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, NotFound, responses
from pydantic import BaseModel, ConfigDict

from auth.api.permissions import PermissionsShown
from auth.api.types import Name, TimeZone
from auth.domain.user import Language, Profile, Role, User, UserId
from auth.store import users

router = APIRouter(prefix="/api/v1/users", tags=["users"])


class ProfileChange(BaseModel):
    """The whole of what may be changed."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    language: Language
    time_zone: TimeZone


class ProfileShown(BaseModel):
    """An account, as its owner sees it."""

    id: UUID
    email: str
    name: str
    role: Role
    language: Language
    time_zone: str
    permissions: PermissionsShown
    created_at: datetime


@router.get("/profile", responses={**AUTHENTICATED, **responses(NotFound)})
async def get_profile(session: OwnedSession, user: CurrentUser) -> ProfileShown:
    """Show your account."""
    return _shown(await users.find(session, UserId(user.user_id)))


@router.put("/profile", responses={**AUTHENTICATED, **responses(NotFound)})
async def put_profile(body: ProfileChange, session: OwnedSession, user: CurrentUser) -> ProfileShown:
    """Change your name, language and time zone. The name in access tokens follows with the next refresh."""
    profile = Profile(body.name, body.language, body.time_zone)
    return _shown(await users.save_profile(session, UserId(user.user_id), profile))


def _shown(user: User | None) -> ProfileShown:
    if user is None:
        raise NotFound("This account does not exist any more.")
    return ProfileShown(
        id=user.id,
        email=user.email,
        name=user.profile.name,
        role=user.role,
        language=user.profile.language,
        time_zone=user.profile.time_zone,
        permissions=PermissionsShown(**asdict(user.permissions)),
        created_at=user.created_at,
    )

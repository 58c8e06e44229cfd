"""What people prefer about all their channels: language, quiet hours, and when the digest comes."""

from datetime import time
from typing import Annotated
from zoneinfo import available_timezones

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from pydantic import BaseModel, ConfigDict, Field, model_validator

from notification.domain.notice import Language
from notification.domain.owner import OwnerId
from notification.domain.preference import Preferences
from notification.errors import UnknownTimeZone
from notification.store import preferences

router = APIRouter(prefix="/api/v1/notifications/preferences", tags=["channels"])

ZONES = frozenset(available_timezones())


class PreferencesShown(BaseModel):
    """The times are of the clock in `time_zone`. In quiet hours only what happens to orders is told at once."""

    model_config = ConfigDict(extra="forbid")

    language: Language
    time_zone: Annotated[str, Field(min_length=1, max_length=64, examples=["Asia/Seoul"])]
    quiet_from: time | None
    quiet_to: time | None
    digest_at: time

    @model_validator(mode="after")
    def _quiet_hours_have_two_ends(self) -> "PreferencesShown":
        if (self.quiet_from is None) != (self.quiet_to is None):
            raise ValueError("send both quiet_from and quiet_to, or null for both")
        if self.quiet_from is not None and self.quiet_from == self.quiet_to:
            raise ValueError("quiet_from and quiet_to are the same: send null for both to have no quiet hours")
        if any(each is not None and each.tzinfo for each in (self.quiet_from, self.quiet_to, self.digest_at)):
            raise ValueError("send times without an offset: they are of the clock in time_zone")
        return self


@router.get("", responses=AUTHENTICATED)
async def get_preferences(session: OwnedSession, user: CurrentUser) -> PreferencesShown:
    """Show what you prefer."""
    found = await preferences.find(session, OwnerId(user.user_id))
    return PreferencesShown.model_validate(found, from_attributes=True)


@router.put("", responses={**AUTHENTICATED, **responses(UnknownTimeZone)})
async def set_preferences(body: PreferencesShown, session: OwnedSession, user: CurrentUser) -> PreferencesShown:
    """Choose language, quiet hours and the time of the digest."""
    if body.time_zone not in ZONES:
        raise UnknownTimeZone
    await preferences.save(session, OwnerId(user.user_id), Preferences(**body.model_dump()))
    return body

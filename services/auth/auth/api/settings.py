"""How people want the platform to look and to begin: plain preferences, which decide nothing."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, NotFound, responses
from pydantic import BaseModel, ConfigDict, Field

from auth.api.types import TimeZone
from auth.domain.user import Language, UserId
from auth.store import users
from auth.store.users import Preferences

SYMBOL_LENGTH_MAX = 16

router = APIRouter(prefix="/api/v1/users", tags=["users"])


class Defaults(BaseModel):
    """What forms and pages begin with; what is left out begins as if nothing had been chosen."""

    model_config = ConfigDict(extra="forbid")

    account_id: UUID | None = None
    market: Literal["KRX", "US"] = "KRX"
    symbol: Annotated[str, Field(max_length=SYMBOL_LENGTH_MAX, pattern=r"^[0-9A-Z.-]+$")] | None = None
    order_type: Literal["limit", "market"] = "limit"
    time_in_force: Literal["day", "ioc", "fok", "gtc"] = "day"
    chart_interval: Literal["1m", "5m", "15m", "1h", "1d", "1w", "1M"] = "1d"


class Settings(BaseModel):
    """The whole of it. Language and time zone are the profile's as well."""

    model_config = ConfigDict(extra="forbid")

    language: Language
    time_zone: TimeZone
    theme: Literal["system", "light", "dark"] = "system"
    defaults: Defaults = Defaults()


@router.get("/settings", responses={**AUTHENTICATED, **responses(NotFound)})
async def get_settings(session: OwnedSession, user: CurrentUser) -> Settings:
    """Show your settings."""
    return _shown(await users.find_preferences(session, UserId(user.user_id)))


@router.put("/settings", responses={**AUTHENTICATED, **responses(NotFound)})
async def put_settings(body: Settings, session: OwnedSession, user: CurrentUser) -> Settings:
    """Replace your settings. They choose what forms begin with, never what is allowed."""
    chosen = Preferences(body.language, body.time_zone, body.model_dump(mode="json", include={"theme", "defaults"}))
    return _shown(await users.save_preferences(session, UserId(user.user_id), chosen))


def _shown(found: Preferences | None) -> Settings:
    if found is None:
        raise NotFound("This account does not exist any more.")
    return Settings(language=found.language, time_zone=found.time_zone, **found.chosen)

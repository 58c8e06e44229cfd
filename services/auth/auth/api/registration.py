"""Opening an account."""

from fastapi import APIRouter
from kit.clock import now
from kit.errors import responses
from kit.ids import new_id
from pydantic import BaseModel, ConfigDict

from auth.api.types import Email, Name, Password
from auth.domain import password
from auth.domain.user import LANGUAGE_DEFAULT, TIME_ZONE_DEFAULT, Profile, User, UserId
from auth.errors import EmailTaken, WeakPassword
from auth.resources import Opened
from auth.usecases.register_user import register_user

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


class Registration(BaseModel):
    """A new account."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    password: Password
    name: Name


class Registered(BaseModel):
    """The account that was opened."""

    id: UserId
    email: str
    name: str


@router.post("/register", status_code=201, responses=responses(EmailTaken, WeakPassword))
async def register(body: Registration, resources: Opened) -> Registered:
    """Open an account. Passwords have 15 to 128 characters and are not built of common words or your own name."""
    chosen = password.normalise(body.password)
    if (weakness := password.weakness_of(chosen, body.email, body.name)) is not None:
        raise WeakPassword(weakness)
    async with resources.hasher.turn() as turn:
        password_hash = await turn.hash(chosen)
    profile = Profile(body.name, LANGUAGE_DEFAULT, TIME_ZONE_DEFAULT)
    user = User(UserId(new_id()), body.email, "user", profile, now())
    async with resources.database.owned(user.id) as session:
        await register_user(session, user, password_hash)
    return Registered(id=user.id, email=user.email, name=user.profile.name)

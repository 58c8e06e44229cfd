"""Opening an account."""

from fastapi import APIRouter, Request
from kit.clock import now
from kit.errors import responses
from kit.ids import new_id
from pydantic import BaseModel, ConfigDict

from auth.api.place import place_of
from auth.api.types import Email, Name, Password
from auth.domain import password
from auth.domain.user import LANGUAGE_DEFAULT, TIME_ZONE_DEFAULT, Profile, User, UserId
from auth.errors import EmailTaken, WeakPassword
from auth.resources import Opened
from auth.stolen import stolen_passwords
from auth.store import places
from auth.usecases.register_by_mail import register_by_mail
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
async def register(body: Registration, request: Request, resources: Opened) -> Registered:
    """Open an account. Passwords have 15 to 128 characters and are not built of common words or your own name.

    Where the platform sends mail, the answer is the same whether the address has an account or not, and a mail says
    how to go on; else an address that is taken is a 409.
    """
    chosen = password.normalise(body.password)
    if (weakness := password.weakness_of(chosen, body.email, body.name, stolen_passwords())) is not None:
        raise WeakPassword(weakness)
    async with resources.hasher.turn() as turn:
        password_hash = await turn.hash(chosen)
    profile = Profile(body.name, LANGUAGE_DEFAULT, TIME_ZONE_DEFAULT)
    user = User(UserId(new_id()), body.email, "user", profile, now())
    if resources.settings.sends_mail and resources.settings.verify_email:
        async with resources.database.system() as session:
            await register_by_mail(session, user, password_hash, new_id())
    else:
        async with resources.database.owned(user.id) as session:
            await register_user(session, user, password_hash)
            await places.save(session, user.id, place_of(request).digests, user.created_at)
    return Registered(id=user.id, email=user.email, name=user.profile.name)

"""Changing a password, replacing a forgotten one, and proving that an e-mail address is one's own."""

from fastapi import APIRouter, Request, Response
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import SystemSession
from kit.errors import AUTHENTICATED, NotFound, responses
from kit.ids import new_id
from pydantic import BaseModel, ConfigDict

from auth.api.place import place_of
from auth.api.types import Email, MailToken, Password
from auth.domain.session import SessionId
from auth.domain.user import UserId
from auth.errors import MailTokenRefused, TooManyAttempts, WeakPassword, WrongCredentials
from auth.resources import Opened
from auth.store import users
from auth.usecases.ask_password_reset import ask_password_reset
from auth.usecases.change_password import change_password
from auth.usecases.check_password import Attempt, check_password
from auth.usecases.reset_password import reset_password
from auth.usecases.verify_email import verify_email
from auth.usecases.weigh_password import weigh_password

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])


class PasswordChange(BaseModel):
    """The password there is, and the one there should be."""

    model_config = ConfigDict(extra="forbid")

    current_password: Password
    new_password: Password


class ForgottenPassword(BaseModel):
    """Whose password is forgotten."""

    model_config = ConfigDict(extra="forbid")

    email: Email


class PasswordReset(BaseModel):
    """The token of the mail, and the new password."""

    model_config = ConfigDict(extra="forbid")

    token: MailToken
    password: Password


class Verification(BaseModel):
    """The token of the mail."""

    model_config = ConfigDict(extra="forbid")

    token: MailToken


class OthersEnded(BaseModel):
    """How many other sessions ended."""

    sessions_ended: int


@router.post(
    "/password/change",
    responses={**AUTHENTICATED, **responses(WrongCredentials, WeakPassword, TooManyAttempts, NotFound)},
    name="change_password",
)
async def answer_change(body: PasswordChange, request: Request, resources: Opened, user: CurrentUser) -> OthersEnded:
    """Change your password. 15 characters, or 8 with a second factor; every other session of yours ends."""
    owner = UserId(user.user_id)
    async with resources.database.owned(owner) as session:
        known = await users.find(session, owner)
    if known is None:
        raise NotFound("This account does not exist any more.")
    attempt = Attempt(known.email, body.current_password, place_of(request), "password_change")
    proven = await check_password(resources.database, resources.hasher, attempt, now())
    chosen = await weigh_password(resources.database, resources.hasher, owner, body.new_password)
    ended = await change_password(resources.database, proven, chosen, SessionId(user.session_id), now())
    return OthersEnded(sessions_ended=ended)


@router.post("/password/forgot", status_code=202, response_class=Response)
async def forgot_password(body: ForgottenPassword, resources: Opened, session: SystemSession) -> Response:
    """Have a link mailed to replace a forgotten password; the answer is the same for an address without an account."""
    if resources.settings.sends_mail:
        await ask_password_reset(session, body.email, new_id(), now())
    return Response(status_code=202)


@router.post(
    "/password/reset", status_code=204, responses=responses(MailTokenRefused, WeakPassword), name="reset_password"
)
async def answer_reset(body: PasswordReset, resources: Opened) -> None:
    """Replace a forgotten password by the mailed token: every session ends. A second factor stays due."""
    await reset_password(resources.database, resources.hasher, body.token, body.password, now())


@router.post("/email/verify", status_code=204, responses=responses(MailTokenRefused), name="verify_email")
async def answer_verify(body: Verification, request: Request, session: SystemSession) -> None:
    """Prove by the mailed token that the address is yours; the account can be used from then on."""
    await verify_email(session, body.token, place_of(request), now())

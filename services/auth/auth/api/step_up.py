"""Proving again who you are, before acts that are hard to undo."""

from fastapi import APIRouter, Request, Response
from kit.auth import CurrentUser
from kit.clock import now
from kit.errors import AUTHENTICATED, NotFound, responses
from pydantic import BaseModel, ConfigDict

from auth.api.place import place_of
from auth.api.sessions import Tokens, hand_over
from auth.api.types import Otp, Password
from auth.domain.session import SessionId
from auth.domain.user import UserId
from auth.errors import OtpRequired, OtpWrong, SessionOver, TooManyAttempts, WrongCredentials
from auth.resources import Opened
from auth.store import users
from auth.usecases.check_password import Attempt, check_password
from auth.usecases.step_up import step_up

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])

FAILURES = {
    **AUTHENTICATED,
    **responses(WrongCredentials, OtpRequired, OtpWrong, SessionOver, TooManyAttempts, NotFound),
}


class StepUp(BaseModel):
    """The password again and, where there is a second factor, a code of it."""

    model_config = ConfigDict(extra="forbid")

    password: Password
    otp: Otp | None = None


@router.post("/step-up", responses=FAILURES, name="step_up")
async def answer_step_up(
    body: StepUp, request: Request, response: Response, resources: Opened, user: CurrentUser
) -> Tokens:
    """Authenticate this session anew; the access token answered opens for five minutes what wants fresh authentication.

    The session's refresh token goes on: `refresh_token` is null.
    """
    owner = UserId(user.user_id)
    async with resources.database.owned(owner) as session:
        known = await users.find(session, owner)
    if known is None:
        raise NotFound("This account does not exist any more.")
    attempt = Attempt(known.email, body.password, place_of(request), "step_up")
    proven = await check_password(resources.database, resources.hasher, attempt, now())
    account, authenticated = await step_up(
        resources.database, resources.sealer, proven, body.otp, SessionId(user.session_id), now()
    )
    return hand_over(response, resources, account, authenticated, None, in_cookie=False)

"""Logging in, staying logged in, logging out."""

import secrets
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Header, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from kit.auth import CurrentUser, current_user
from kit.clock import now
from kit.db import OwnedSession, SystemSession
from kit.errors import AUTHENTICATED, responses
from kit.ids import new_id
from pydantic import BaseModel, ConfigDict

from auth.api.credentials import UsedCredential, second_proof_of
from auth.api.place import browser_token_of, device_of, place_of
from auth.api.types import COOKIE, DEVICE_COOKIE, Email, Otp, Password, RefreshTokenText
from auth.device_token import is_ours, new_token
from auth.domain.guessing import FAMILIAR_FOR, Place
from auth.domain.session import SECRET_BYTES, Session, SessionId, digest_of, encode
from auth.domain.user import User, UserId
from auth.errors import OtpRequired, OtpWrong, PasskeyRefused, RefreshRefused, TooManyAttempts, WrongCredentials
from auth.resources import Opened, Resources
from auth.tokens import claims_of
from auth.usecases.begin_session import Fresh
from auth.usecases.check_password import Attempt, check_password
from auth.usecases.end_session_of_token import end_session_of_token
from auth.usecases.end_sessions import end_sessions
from auth.usecases.log_in import log_in
from auth.usecases.refresh_session import refresh_session

TOKEN_TYPE = "Bearer"  # noqa: S105 - a scheme

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])

ClientKind = Annotated[
    str | None,
    Header(alias="X-Client", max_length=32, description="`web`: the refresh token travels in a cookie, not in bodies"),
]
RefreshCookie = Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)]
Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]


class Credentials(BaseModel):
    """An account's address and password and, when a second factor is due, a code or a passkey's signature of it."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    password: Password
    otp: Otp | None = None
    passkey: UsedCredential | None = None


class RefreshRequest(BaseModel):
    """A refresh token in a body, for programs."""

    model_config = ConfigDict(extra="forbid")

    refresh_token: RefreshTokenText


class Tokens(BaseModel):
    """What a session goes on with. `refresh_token` is null when it is in the cookie; `expires_in` is in seconds."""

    access_token: str
    refresh_token: str | None
    token_type: str
    expires_in: int


@router.post(
    "/login",
    responses=responses(WrongCredentials, OtpRequired, OtpWrong, PasskeyRefused, TooManyAttempts),
    name="log_in",
)
async def answer_log_in(
    body: Credentials, request: Request, response: Response, resources: Opened, client: ClientKind = None
) -> Tokens:
    """Begin a session. Who keeps guessing waits; who comes from where the account was used before waits for nobody."""
    moment = now()
    attempt = Attempt(body.email, body.password, place_of(request))
    proven = await check_password(resources.database, resources.hasher, attempt, moment)
    device = _device_of(request, resources) if client == "web" else None
    if device is not None:
        proven = replace(proven, place=Place(proven.place.address, digest_of(device)))
    fresh, proof = fresh_of(request, resources), second_proof_of(resources, body.otp, body.passkey)
    user, begun = await log_in(resources.database, proven, proof, fresh, new_id())
    tokens = hand_over(response, resources, user, begun, fresh.refresh_token, in_cookie=client == "web")
    if device is not None:
        remember_device(response, device)
    return tokens


def fresh_of(request: Request, resources: Resources) -> Fresh:
    """Return what a new session is given."""
    token = encode(secrets.token_bytes(SECRET_BYTES))
    return Fresh(SessionId(new_id()), token, resources.lifetimes, device_of(request), now())


def _device_of(request: Request, resources: Resources) -> str:
    """Return the token by which this browser is known from now on: the one it has, if that proves itself."""
    token = browser_token_of(request)
    return token if token is not None and is_ours(token, resources.sealer) else new_token(resources.sealer)


def remember_device(response: Response, token: str) -> None:
    """Have the browser keep the token that makes this device familiar."""
    age = int(FAMILIAR_FOR.total_seconds())
    response.set_cookie(DEVICE_COOKIE, token, max_age=age, path="/", secure=True, httponly=True, samesite="strict")


@router.post("/refresh", responses=responses(RefreshRefused))
async def refresh(
    response: Response,
    resources: Opened,
    body: RefreshRequest | None = None,
    cookie: RefreshCookie = None,
    client: ClientKind = None,
) -> Tokens:
    """Spend a refresh token for the next. For ten seconds the spent one gives the same successor again."""
    token = _presented(body, cookie, client)
    if token is None:
        raise RefreshRefused("Send a refresh token: in the body, or in the cookie together with `X-Client: web`.")
    salt = secrets.token_bytes(SECRET_BYTES)
    async with resources.database.system() as session:
        mail_id = new_id() if resources.settings.sends_mail else None
        refreshed = await refresh_session(session, token, salt, resources.lifetimes, now(), mail_id)
    if refreshed is None:
        raise RefreshRefused("The refresh token cannot be used (any more): log in again.")
    in_cookie = body is None
    return hand_over(
        response, resources, refreshed.user, refreshed.session, refreshed.refresh_token, in_cookie=in_cookie
    )


@router.post("/logout", status_code=204, responses=AUTHENTICATED, openapi_extra={"security": [{}]})
async def log_out(
    request: Request,
    session: SystemSession,
    bearer: Bearer,
    body: RefreshRequest | None = None,
    cookie: RefreshCookie = None,
    client: ClientKind = None,
) -> Response:
    """End the session of a refresh token or, when none is sent, of the access token: no refreshing any more."""
    token = _presented(body, cookie, client)
    if token is not None:
        await end_session_of_token(session, token, now())
    else:
        user = await current_user(request, bearer)
        await end_sessions(session, UserId(user.user_id), "logout", now(), SessionId(user.session_id))
    return _gone()


@router.post("/logout-all", status_code=204, responses=AUTHENTICATED)
async def log_out_everywhere(session: OwnedSession, user: CurrentUser) -> Response:
    """End every session of this account, this one included."""
    await end_sessions(session, UserId(user.user_id), "logout_all", now())
    return _gone()


def _presented(body: RefreshRequest | None, cookie: str | None, client: str | None) -> str | None:
    """The cookie counts only with the header: another site can make a browser send the one, but not the other."""
    if body is not None:
        return body.refresh_token
    return cookie if client == "web" else None


def hand_over(
    response: Response, resources: Resources, user: User, session: Session, token: str | None, *, in_cookie: bool
) -> Tokens:
    """Answer with a session's tokens; no refresh token when the one there is goes on."""
    moment = now()
    if in_cookie and token is not None:
        age = min(resources.lifetimes.refresh, session.expires_at - moment)
        response.set_cookie(
            COOKIE, token, max_age=int(age.total_seconds()), path="/", secure=True, httponly=True, samesite="strict"
        )
    claims = claims_of(user, session.id, session.authenticated_at)
    return Tokens(
        access_token=resources.signer.sign(claims, moment),
        refresh_token=None if in_cookie else token,
        token_type=TOKEN_TYPE,
        expires_in=resources.signer.ttl_seconds,
    )


def _gone() -> Response:
    response = Response(status_code=204)
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
    return response

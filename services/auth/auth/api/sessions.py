"""Logging in, staying logged in, logging out."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Header, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from kit.auth import CurrentUser, current_user
from kit.clock import now
from kit.db import OwnedSession, SystemSession
from kit.errors import AUTHENTICATED, responses
from kit.ids import new_id
from pydantic import BaseModel, ConfigDict

from auth.api.types import COOKIE, Email, Password, RefreshTokenText
from auth.domain.session import SECRET_BYTES, Session, SessionId, encode
from auth.domain.user import User, UserId
from auth.errors import RefreshRefused, TooManyAttempts, WrongCredentials
from auth.resources import Opened, Resources
from auth.tokens import claims_of
from auth.usecases.end_session_of_token import end_session_of_token
from auth.usecases.end_sessions import end_sessions
from auth.usecases.log_in import Attempt, Fresh, log_in
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
    """An account's address and password."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    password: Password


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


@router.post("/login", responses=responses(WrongCredentials, TooManyAttempts), name="log_in")
async def answer_log_in(
    body: Credentials, request: Request, response: Response, resources: Opened, client: ClientKind = None
) -> Tokens:
    """Begin a session. Ten failures for one account from one address in 15 minutes make that address wait."""
    address = request.client.host if request.client else ""
    token = encode(secrets.token_bytes(SECRET_BYTES))
    fresh = Fresh(SessionId(new_id()), token, resources.lifetimes, now())
    user, begun = await log_in(resources.database, resources.hasher, Attempt(body.email, body.password, address), fresh)
    return _hand_over(response, resources, user, begun, token, in_cookie=client == "web")


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
        refreshed = await refresh_session(session, token, salt, resources.lifetimes, now())
    if refreshed is None:
        raise RefreshRefused("The refresh token cannot be used (any more): log in again.")
    in_cookie = body is None
    return _hand_over(
        response, resources, refreshed.user, refreshed.session, refreshed.refresh_token, in_cookie=in_cookie
    )


@router.post("/logout", status_code=204, responses=AUTHENTICATED)
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


def _hand_over(
    response: Response, resources: Resources, user: User, session: Session, token: str, *, in_cookie: bool
) -> Tokens:
    moment = now()
    if in_cookie:
        age = min(resources.lifetimes.refresh, session.expires_at - moment)
        response.set_cookie(
            COOKIE, token, max_age=int(age.total_seconds()), path="/", secure=True, httponly=True, samesite="strict"
        )
    claims = claims_of(user, session.id, session.begun_at)
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

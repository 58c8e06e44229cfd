"""Logging in by Google, Kakao, Naver or any OpenID Connect provider, and linking them to an account."""

import secrets
from datetime import datetime
from typing import Annotated
from uuid import UUID

import structlog
from fastapi import APIRouter, Cookie, Path, Query, Request, Response
from fastapi.responses import RedirectResponse
from kit.auth import CurrentUser, RecentUser
from kit.clock import now
from kit.db import OwnedSession, SystemSession
from kit.errors import AUTHENTICATED, NotFound, StepUpRequired, Unavailable, responses
from kit.ids import new_id
from pydantic import BaseModel, ConfigDict

from auth.api.credentials import UsedCredential, second_proof_of
from auth.api.place import place_of
from auth.api.sessions import ClientKind, Tokens, fresh_of, hand_over
from auth.api.types import Otp, RefreshTokenText
from auth.domain.email import normalise
from auth.domain.identity import FLOW_TTL, Claimed, IdentityId
from auth.domain.session import SECRET_BYTES, digest_of, encode
from auth.domain.user import LANGUAGE_DEFAULT, NAME_LENGTH_MAX, TIME_ZONE_DEFAULT, Profile, User, UserId
from auth.errors import (
    IdentityTaken,
    LastWayIn,
    LinkNeeded,
    OauthRefused,
    OtpRequired,
    OtpWrong,
    PasskeyRefused,
    TooManyAttempts,
)
from auth.providers import Provider, ProviderRefused, ProviderSilent, Secrets
from auth.resources import Opened, Resources
from auth.store import identities
from auth.store.identities import Flow
from auth.usecases.finish_social_login import finish_social_login
from auth.usecases.link_identity import link_identity
from auth.usecases.settle_identity import settle_identity
from auth.usecases.unlink_identity import unlink_identity

router = APIRouter(prefix="/api/v1/auth/oauth", tags=["other providers"])

COOKIE = "__Host-exodus-oauth"
"""Binds a log-in elsewhere to the browser that began it. Lax, since the way back begins at another site."""
SEALED_AS = "code verifier"
PARAMETER_LENGTH_MAX = 2_048

ProviderName = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,32}$", examples=["kakao"])]
Parameter = Annotated[str | None, Query(max_length=PARAMETER_LENGTH_MAX)]
BrowserToken = Annotated[str | None, Cookie(alias=COOKIE, include_in_schema=False)]

log = structlog.get_logger()


class Begun(BaseModel):
    """Where the browser goes to link an identity."""

    authorization_url: str


class Ticket(BaseModel):
    """What the way back has brought and, when a second factor is due, a code or a passkey's signature of it."""

    model_config = ConfigDict(extra="forbid")

    ticket: RefreshTokenText
    otp: Otp | None = None
    passkey: UsedCredential | None = None


class IdentityShown(BaseModel):
    """A linked identity, as its owner sees it."""

    id: IdentityId
    provider: str
    email: str | None
    linked_at: datetime


class IdentityList(BaseModel):
    """All of them: one for each provider at most; and the providers there are."""

    items: list[IdentityShown]
    providers: list[str]
    next_cursor: None = None


class ProviderList(BaseModel):
    """Names for `/{provider}/start`, in rising order; empty where people log in here alone."""

    items: list[str]
    next_cursor: None = None


@router.get("/providers")
async def list_providers(resources: Opened) -> ProviderList:
    """List the providers this platform lets people log in by: those its operator has set up."""
    return ProviderList(items=sorted(resources.providers))


@router.get("/{provider}/start", status_code=302, response_class=RedirectResponse, responses=responses(NotFound))
async def start_oauth(provider: ProviderName, resources: Opened) -> Response:
    """Send the browser to the provider; it comes back to `callback`, and from there to the web client with a ticket."""
    url, browser = await _begin(resources, provider, None)
    return _bound(RedirectResponse(url, 302), browser)


@router.post("/{provider}/link", responses={**AUTHENTICATED, **responses(StepUpRequired, NotFound)})
async def begin_linking(provider: ProviderName, response: Response, resources: Opened, user: RecentUser) -> Begun:
    """Begin to link the provider to your account. Needs fresh authentication."""
    url, browser = await _begin(resources, provider, UserId(user.user_id))
    _bound(response, browser)
    return Begun(authorization_url=url)


@router.get(
    "/{provider}/callback",
    status_code=303,
    response_class=RedirectResponse,
    responses=responses(OauthRefused, LinkNeeded, IdentityTaken, NotFound),
)
async def oauth_callback(
    provider: ProviderName,
    resources: Opened,
    state: Parameter = None,
    code: Parameter = None,
    iss: Parameter = None,
    browser: BrowserToken = None,
) -> Response:
    """Take the browser back from the provider, and send it on with a ticket good for two minutes in this browser."""
    chosen = _provider(resources, provider)
    if state is None or code is None or browser is None:
        raise OauthRefused
    digest = digest_of(state)
    async with resources.database.system() as session:
        flow = await identities.delete_flow(session, digest, digest_of(browser), provider, now())
    if flow is None:
        raise OauthRefused
    verifier = resources.sealer.open(flow.sealed, SEALED_AS, _binding(digest)).decode()
    claimed = await _identify(chosen, code, Secrets(state, flow.nonce, verifier), iss)
    return await _arrive(resources, flow, claimed, browser)


@router.post("/finish", responses=responses(OauthRefused, OtpRequired, OtpWrong, PasskeyRefused, TooManyAttempts))
async def finish_oauth(
    body: Ticket,
    request: Request,
    response: Response,
    resources: Opened,
    browser: BrowserToken = None,
    client: ClientKind = None,
) -> Tokens:
    """Begin the session the ticket stands for. A second factor is asked for here as at any log-in."""
    if browser is None:
        raise OauthRefused
    fresh, proof = fresh_of(request, resources), second_proof_of(resources, body.otp, body.passkey)
    user, begun = await finish_social_login(resources.database, (body.ticket, browser), proof, place_of(request), fresh)
    return hand_over(response, resources, user, begun, fresh.refresh_token, in_cookie=client == "web")


@router.get("/identities", responses=AUTHENTICATED)
async def list_identities(session: OwnedSession, resources: Opened, user: CurrentUser) -> IdentityList:
    """Show which providers are linked to your account."""
    shown = await identities.list_shown(session, UserId(user.user_id))
    items = [
        IdentityShown(id=each.id, provider=each.provider, email=each.email, linked_at=each.linked_at) for each in shown
    ]
    return IdentityList(items=items, providers=sorted(resources.providers))


@router.delete(
    "/identities/{identity_id}",
    status_code=204,
    responses={**AUTHENTICATED, **responses(StepUpRequired, NotFound, LastWayIn)},
)
async def unlink(identity_id: IdentityId, user: RecentUser, session: SystemSession) -> None:
    """Unlink a provider. Needs fresh authentication; the last way into an account stays."""
    await unlink_identity(session, UserId(user.user_id), identity_id, now())


def _provider(resources: Resources, name: str) -> Provider:
    provider = resources.providers.get(name)
    if provider is None:
        raise NotFound("This platform has no such provider.")
    return provider


def _binding(digest: bytes) -> UUID:
    """A verifier is sealed for its log-in, as other secrets are for their owner."""
    return UUID(bytes=digest[:16])


def _bound(response: Response, browser: str) -> Response:
    age = int(FLOW_TTL.total_seconds())
    response.set_cookie(COOKIE, browser, max_age=age, path="/", secure=True, httponly=True, samesite="lax")
    return response


async def _begin(resources: Resources, name: str, owner: UserId | None) -> tuple[str, str]:
    provider = _provider(resources, name)
    state, nonce, verifier, browser = (encode(secrets.token_bytes(SECRET_BYTES)) for _ in range(4))
    try:
        url = await provider.authorization_url(Secrets(state, nonce, verifier))
    except (ProviderRefused, ProviderSilent) as failed:
        raise _away(name, failed) from failed
    digest = digest_of(state)
    sealed = resources.sealer.seal(verifier.encode(), SEALED_AS, _binding(digest))
    async with resources.database.system() as session:
        await identities.save_flow(session, Flow(digest, digest_of(browser), name, nonce, sealed, owner), now())
    return url, browser


async def _identify(provider: Provider, code: str, bound_to: Secrets, issuer: str | None) -> Claimed:
    try:
        return await provider.identify(code, bound_to, issuer)
    except ProviderSilent as failed:
        raise _away(provider.name, failed) from failed
    except ProviderRefused as failed:
        log.warning("a provider's answer is refused", provider=provider.name, reason=str(failed))
        raise OauthRefused from failed


def _away(name: str, failed: Exception) -> Unavailable:
    log.warning("a provider cannot be asked", provider=name, reason=str(failed))
    return Unavailable(f"{name} cannot be reached at the moment; log in another way, or try again.", 5)


async def _arrive(resources: Resources, flow: Flow, claimed: Claimed, browser: str) -> Response:
    moment, identity_id, web = now(), IdentityId(new_id()), resources.settings.public_url.rstrip("/")
    async with resources.database.system() as session:
        if flow.owner is not None:
            await link_identity(session, flow.owner, claimed, identity_id, moment)
            return RedirectResponse(f"{web}/settings#linked={flow.provider}", 303)
        name = "".join(letter for letter in claimed.name or "" if letter.isprintable()).strip()[:NAME_LENGTH_MAX]
        profile = Profile(name or flow.provider, LANGUAGE_DEFAULT, TIME_ZONE_DEFAULT)
        newcomer = User(UserId(new_id()), normalise(claimed.email or ""), "user", profile, moment)
        owner = await settle_identity(session, claimed, newcomer, identity_id, moment)
        ticket = encode(secrets.token_bytes(SECRET_BYTES))
        await identities.save_ticket(session, owner, digest_of(ticket), digest_of(browser), moment)
    return RedirectResponse(f"{web}/signed-in#ticket={ticket}", 303)

"""Passkeys: registering, listing and deleting them, logging in and stepping up by them."""

import secrets
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request, Response
from kit.auth import CurrentUser, RecentUser
from kit.clock import now
from kit.db import OwnedSession, SystemSession
from kit.errors import AUTHENTICATED, NotFound, StepUpRequired, responses
from kit.ids import new_id
from pydantic import BaseModel, ConfigDict, Field

from auth.api.place import place_of
from auth.api.sessions import ClientKind, Tokens, fresh_of, hand_over
from auth.api.types import Name
from auth.ceremonies import Credential, RelyingParty, relying_party_of
from auth.domain.passkey import CHALLENGE_BYTES, PasskeyId
from auth.domain.session import SessionId
from auth.domain.user import UserId
from auth.errors import LastWayIn, PasskeyRefused, PasskeyUnusable, SessionOver, TooManyPasskeys
from auth.resources import Opened, Resources
from auth.store import passkeys, users
from auth.usecases.add_passkey import add_passkey
from auth.usecases.log_in_by_passkey import log_in_by_passkey
from auth.usecases.remove_passkey import remove_passkey
from auth.usecases.step_up_by_passkey import step_up_by_passkey

router = APIRouter(prefix="/api/v1/auth/passkeys", tags=["passkeys"])

CREDENTIAL_ID_LENGTH_MAX = 1_400
CLIENT_DATA_LENGTH_MAX = 4_096
ATTESTATION_LENGTH_MAX = 16_384

CredentialId = Annotated[str, Field(min_length=1, max_length=CREDENTIAL_ID_LENGTH_MAX)]
ClientData = Annotated[str, Field(min_length=1, max_length=CLIENT_DATA_LENGTH_MAX)]
Attestation = Annotated[str, Field(min_length=1, max_length=ATTESTATION_LENGTH_MAX)]


class Created(BaseModel):
    """`response` of a new credential; base64url throughout."""

    clientDataJSON: ClientData  # noqa: N815 - WebAuthn's names
    attestationObject: Attestation  # noqa: N815


class Signed(BaseModel):
    """`response` of a signature; base64url throughout."""

    clientDataJSON: ClientData  # noqa: N815
    authenticatorData: ClientData  # noqa: N815
    signature: ClientData
    userHandle: CredentialId | None = None  # noqa: N815


class NewCredential(BaseModel):
    """What `navigator.credentials.create` answers, by its `toJSON()`; what we do not need is ignored."""

    id: CredentialId
    rawId: CredentialId  # noqa: N815
    type: Literal["public-key"]
    response: Created


class UsedCredential(BaseModel):
    """What `navigator.credentials.get` answers, by its `toJSON()`; what we do not need is ignored."""

    id: CredentialId
    rawId: CredentialId  # noqa: N815
    type: Literal["public-key"]
    response: Signed


class NewPasskey(BaseModel):
    """A passkey to be registered, and what its owner calls it."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    credential: NewCredential


class UsedPasskey(BaseModel):
    """A passkey's signature."""

    model_config = ConfigDict(extra="forbid")

    credential: UsedCredential


class Options(BaseModel):
    """What the browser's WebAuthn call is given; good for two minutes, once."""

    public_key: dict[str, Any]


class PasskeyShown(BaseModel):
    """A passkey, as its owner sees it."""

    id: PasskeyId
    name: str
    created_at: datetime
    used_at: datetime | None


class PasskeyList(BaseModel):
    """All of them: at most 20."""

    items: list[PasskeyShown]
    next_cursor: None = None


def _party(resources: Resources) -> RelyingParty:
    return relying_party_of(resources.settings.public_url)


def _answer_of(credential: NewCredential | UsedCredential) -> Credential:
    return credential.model_dump(exclude_none=True)


@router.get("", responses=AUTHENTICATED)
async def list_passkeys(session: OwnedSession, user: CurrentUser) -> PasskeyList:
    """Show your passkeys, the newest first."""
    shown = await passkeys.list_shown(session, UserId(user.user_id))
    return PasskeyList(
        items=[
            PasskeyShown(id=each.id, name=each.name, created_at=each.created_at, used_at=each.used_at) for each in shown
        ]
    )


@router.delete(
    "/{passkey_id}", status_code=204, responses={**AUTHENTICATED, **responses(StepUpRequired, NotFound, LastWayIn)}
)
async def delete_passkey(passkey_id: PasskeyId, user: RecentUser, session: SystemSession) -> None:
    """Forget a passkey. Needs fresh authentication; the last way into an account stays."""
    await remove_passkey(session, UserId(user.user_id), passkey_id, now())


@router.post("/register/options", responses={**AUTHENTICATED, **responses(StepUpRequired, NotFound)})
async def registration_options(resources: Opened, user: RecentUser, session: SystemSession) -> Options:
    """Begin to register a passkey. Needs fresh authentication."""
    owner = UserId(user.user_id)
    known = await users.find(session, owner)
    if known is None:
        raise NotFound("This account does not exist any more.")
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    await passkeys.save_challenge(session, challenge, "register", owner, now())
    registered = await passkeys.list_credential_ids(session, owner)
    return Options(public_key=_party(resources).creation_options(known, challenge, registered))


@router.post(
    "/register/verify",
    status_code=201,
    responses={**AUTHENTICATED, **responses(StepUpRequired, PasskeyUnusable, TooManyPasskeys)},
)
async def register_passkey(body: NewPasskey, resources: Opened, user: RecentUser) -> PasskeyShown:
    """Register the passkey the device has made. Needs fresh authentication."""
    passkey_id, moment = PasskeyId(new_id()), now()
    offered = (passkey_id, body.name, _answer_of(body.credential))
    async with resources.database.system() as session:
        refusal = await add_passkey(session, _party(resources), UserId(user.user_id), offered, moment)
    if refusal is not None:
        raise refusal
    return PasskeyShown(id=passkey_id, name=body.name, created_at=moment, used_at=None)


@router.post("/login/options")
async def passkey_login_options(resources: Opened, session: SystemSession) -> Options:
    """Begin to log in by passkey: the device offers those it has for this platform."""
    challenge = secrets.token_bytes(CHALLENGE_BYTES)
    await passkeys.save_challenge(session, challenge, "log_in", None, now())
    return Options(public_key=_party(resources).request_options(challenge, []))


@router.post("/login/verify", responses=responses(PasskeyRefused), name="log_in_by_passkey")
async def answer_passkey_login(
    body: UsedPasskey, request: Request, response: Response, resources: Opened, client: ClientKind = None
) -> Tokens:
    """Begin a session by passkey. The device has verified its user: no password and no code is asked for."""
    fresh = fresh_of(request, resources)
    credential = _answer_of(body.credential)
    user, begun = await log_in_by_passkey(resources.database, _party(resources), credential, place_of(request), fresh)
    return hand_over(response, resources, user, begun, fresh.refresh_token, in_cookie=client == "web")


@router.post("/step-up/options", responses=AUTHENTICATED)
async def passkey_step_up_options(resources: Opened, user: CurrentUser, session: SystemSession) -> Options:
    """Begin to prove again who you are, by one of your passkeys."""
    owner, challenge = UserId(user.user_id), secrets.token_bytes(CHALLENGE_BYTES)
    registered = await passkeys.list_credential_ids(session, owner)
    if await users.find(session, owner) is not None:
        await passkeys.save_challenge(session, challenge, "step_up", owner, now())
    return Options(public_key=_party(resources).request_options(challenge, registered))


@router.post(
    "/step-up/verify",
    responses={**AUTHENTICATED, **responses(PasskeyRefused, SessionOver)},
    name="step_up_by_passkey",
)
async def answer_passkey_step_up(body: UsedPasskey, response: Response, resources: Opened, user: CurrentUser) -> Tokens:
    """Authenticate this session anew by passkey, as `POST /auth/step-up` does by password."""
    account, authenticated = await step_up_by_passkey(
        resources.database,
        _party(resources),
        _answer_of(body.credential),
        UserId(user.user_id),
        SessionId(user.session_id),
        now(),
    )
    return hand_over(response, resources, account, authenticated, None, in_cookie=False)

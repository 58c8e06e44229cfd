"""Keys for programs, and the exchange of a signature for a token, which only the gateway asks for."""

import base64
import secrets
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from kit.auth import CurrentUser, RecentUser, request_digest
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, NotFound, responses
from kit.ids import new_id
from kit.observe import log
from kit.pagination import Page
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from auth.api.types import Name
from auth.domain.api_key import (
    DAYS_MAX,
    NETWORKS_MAX,
    NONCE_LENGTH_MAX,
    NONCE_LENGTH_MIN,
    SECRET_BYTES,
    ApiKey,
    ApiKeyId,
    Scope,
    SignedRequest,
    purpose_of,
)
from auth.domain.user import User, UserId
from auth.errors import TooManyKeys
from auth.resources import Opened
from auth.sealing import Unsealable
from auth.store import api_keys
from auth.tokens import NEVER, Claims
from auth.usecases.check_signature import Means, check_signature
from auth.usecases.create_api_key import create_api_key
from auth.usecases.delete_api_key import delete_api_key

TOKEN_SECONDS = 60
"""How long the exchanged token lives: it is good for one request only, and that is under way."""
NETWORK_LENGTH_MAX = 64
HEADER_LENGTH_MAX = 200
TARGET_LENGTH_MAX = 8_192
DAYS_DEFAULT = 90

router = APIRouter(tags=["api keys"])


def _network(text: str) -> str:
    try:
        return str(ip_network(text))
    except ValueError:
        raise ValueError('is no network: write it like "203.0.113.0/24" or "2001:db8::1"') from None


Network = Annotated[str, Field(max_length=NETWORK_LENGTH_MAX), AfterValidator(_network)]


class ApiKeyWish(BaseModel):
    """A new key: what it may, for how long, and from where (no list: from anywhere)."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    scopes: Annotated[set[Scope], Field(min_length=1)]
    expires_in_days: Annotated[int, Field(ge=1, le=DAYS_MAX)] = DAYS_DEFAULT
    networks: Annotated[list[Network], Field(max_length=NETWORKS_MAX)] = []


class ApiKeyShown(BaseModel):
    """A key, as its owner sees it."""

    id: UUID
    name: str
    scopes: list[Scope]
    networks: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    last_address: str | None


class ApiKeyCreated(ApiKeyShown):
    """A new key with its secret, which is never shown again."""

    secret: str


@router.get("/api/v1/users/api-keys", responses=AUTHENTICATED)
async def list_api_keys(session: OwnedSession, user: CurrentUser) -> Page[ApiKeyShown]:
    """List your keys; there are at most twenty."""
    found = await api_keys.list_keys(session, UserId(user.user_id))
    return Page(items=[ApiKeyShown.model_validate(_said(key)) for key in found], next_cursor=None)


@router.post("/api/v1/users/api-keys", status_code=201, responses={**AUTHENTICATED, **responses(TooManyKeys)})
async def add_api_key(body: ApiKeyWish, session: OwnedSession, user: RecentUser, resources: Opened) -> ApiKeyCreated:
    """Make a key for your programs. Its secret is in this answer and nowhere else."""
    moment = now()
    expires_at = moment + timedelta(days=body.expires_in_days)
    owner, scopes = UserId(user.user_id), frozenset(body.scopes)
    key = ApiKey(ApiKeyId(new_id()), owner, body.name, scopes, tuple(body.networks), moment, expires_at)
    secret = base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=")
    await create_api_key(session, key, resources.sealer.seal(secret.encode(), purpose_of(key.id), owner))
    return ApiKeyCreated.model_validate({**_said(key), "secret": secret})


@router.delete("/api/v1/users/api-keys/{key_id}", status_code=204, responses={**AUTHENTICATED, **responses(NotFound)})
async def remove_api_key(key_id: UUID, session: OwnedSession, user: CurrentUser) -> Response:
    """Take a key away: it opens nothing from now on."""
    if not await delete_api_key(session, UserId(user.user_id), ApiKeyId(key_id), now()):
        raise NotFound("You have no key of this id.")
    return Response(status_code=204)


class Signature(BaseModel):
    """What the gateway passes on of a signed request; a header that is missing or odd proves nothing."""

    x_api_key: UUID
    x_api_timestamp: Annotated[str, Field(max_length=HEADER_LENGTH_MAX)]
    x_api_nonce: Annotated[
        str, Field(min_length=NONCE_LENGTH_MIN, max_length=NONCE_LENGTH_MAX, pattern="^[A-Za-z0-9_-]+$")
    ]
    x_api_signature: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    x_content_sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    x_signed_method: Annotated[str, Field(max_length=HEADER_LENGTH_MAX)]
    x_signed_target: Annotated[str, Field(max_length=TARGET_LENGTH_MAX)]


@router.get("/internal/signed-request", status_code=204, responses={401: {"description": "It proves nothing."}})
async def exchange_signature(request: Request, resources: Opened) -> Response:
    """Exchange a signature for a token that is good for the signed request alone. The gateway asks, nobody else can."""
    moment = now()
    try:
        given = Signature.model_validate({name.replace("-", "_"): value for name, value in request.headers.items()})
    except ValidationError:
        return _refused()
    key_id = ApiKeyId(given.x_api_key)
    if (key_id, given.x_api_nonce) in resources.spent_nonces:
        return _refused()
    signed = SignedRequest(
        given.x_signed_method,
        given.x_signed_target,
        given.x_content_sha256,
        given.x_api_timestamp,
        given.x_api_nonce,
        given.x_api_signature,
        request.client.host if request.client else "",
    )

    def open_secret(key: ApiKey, sealed: bytes) -> bytes:
        return resources.sealer.open(sealed, purpose_of(key.id), key.owner)

    try:
        async with resources.database.system() as session:
            means = Means(open_secret, resources.spent_nonces)
            proven = await check_signature(session, key_id, signed, means, moment)
    except Unsealable:
        log.exception("the secret of an API key was changed, or is another row's", key=str(given.x_api_key))
        return _refused()
    if proven is None:
        return _refused()
    user, key = proven
    claims = Claims(
        subject=user.id,
        session_id=key.id,
        token_id=new_id(),
        role="viewer" if user.role == "viewer" else "user",
        name=user.profile.name,
        authenticated_at=NEVER,
        permissions=user.permissions.granted,
        limits=user.permissions.limits,
        version=user.rights_version,
        scopes=frozenset(key.scopes),
        request_digest=request_digest(signed.method, signed.target, signed.body_sha256),
    )
    token = resources.signer.sign(claims, moment, TOKEN_SECONDS)
    return Response(status_code=204, headers=_headers(token, user))


def _headers(token: str, user: User) -> dict[str, str]:
    calls = str(user.permissions.calls_per_minute_max)
    return {"Exchanged-Token": token, "Token-User": str(user.id), "Token-Calls": calls}


def _refused() -> Response:
    return Response(status_code=401, headers={"Token-Verdict": "signature_invalid"})


def _said(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "networks": list(key.networks),
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "last_address": key.last_address,
    }

"""The public key by which everybody verifies our tokens, and tokens for the platform's own services."""

import hmac
from typing import Annotated
from uuid import NAMESPACE_DNS, uuid5

from fastapi import APIRouter, Depends, Request
from kit.clock import now
from kit.errors import responses
from kit.ids import new_id
from pydantic import BaseModel, ConfigDict

from auth.api.types import ServiceName, ServiceSecret
from auth.config import Settings
from auth.errors import WrongServiceSecret
from auth.resources import Opened
from auth.tokens import Claims

router = APIRouter(tags=["keys"])


class PublicKey(BaseModel):
    """A verification key as RFC 7517 writes it; `kid` is its RFC 7638 thumbprint."""

    kty: str
    crv: str
    x: str
    y: str
    kid: str
    use: str
    alg: str


class KeySet(BaseModel):
    """The keys whose tokens are good."""

    keys: list[PublicKey]


class ServiceLogin(BaseModel):
    """A service and its secret."""

    model_config = ConfigDict(extra="forbid")

    service: ServiceName
    secret: ServiceSecret


class ServiceToken(BaseModel):
    """A token that opens the internal routes of the other services; `expires_in` is in seconds."""

    access_token: str
    expires_in: int


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


@router.get("/.well-known/jwks.json")
async def public_keys(resources: Opened) -> KeySet:
    """Show the keys that access tokens are verified by."""
    return KeySet.model_validate(resources.signer.jwks())


@router.post("/internal/service-token", responses=responses(WrongServiceSecret))
async def issue_service_token(
    body: ServiceLogin, resources: Opened, settings: Annotated[Settings, Depends(_settings)]
) -> ServiceToken:
    """Give a service a token of its own. The gateway does not pass this route."""
    secret = settings.service_secrets.get(body.service)
    known = secret.get_secret_value() if secret else ""
    if not hmac.compare_digest(known.encode(), body.secret.encode()):
        raise WrongServiceSecret("Give the service's name and the secret auth was given for it.")
    subject = uuid5(NAMESPACE_DNS, f"{body.service}.exodus.internal")
    claims = Claims(subject, new_id(), new_id(), role="service", name=body.service)
    return ServiceToken(access_token=resources.signer.sign(claims, now()), expires_in=resources.signer.ttl_seconds)

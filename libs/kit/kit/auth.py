"""Access tokens, verified: ES256 only, every claim required, keys found by id in a set the service already holds."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from kit.clock import now
from kit.errors import Forbidden, StepUpRequired, Unauthenticated, Unavailable

TOKEN_LENGTH_MAX = 4096
LEEWAY_SECONDS = 5
LIFETIME_SECONDS_MAX = 3600
COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
REFETCH_SECONDS = 30
FETCH_TIMEOUT_SECONDS = 3
KEYS_MAX = 16
TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type
STEP_UP_SECONDS = 300
REQUIRED_CLAIMS = ["iss", "aud", "sub", "sid", "jti", "iat", "exp", "role"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is asking: what a verified access token says."""

    user_id: UUID
    role: str
    scopes: frozenset[str]
    session_id: UUID
    token_id: str
    expires_at: datetime
    name: str
    authenticated_at: datetime
    """When this person last proved who they are, by password, passkey or second factor; refreshing proves nothing."""
    permissions: frozenset[str]
    """What the operator lets this person do, besides what the role allows: `paper`, `real`, `premium`."""


class TokenVerifier:
    """Verifies access tokens against public keys that are given, or fetched from the issuer's JWKS.

    An unknown key id causes at most one fetch in 30 seconds, and no known key is ever forgotten: neither a flood of
    invented ids nor an issuer that is down makes a valid token fail.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        jwks_url: str | None = None,
        keys: Mapping[str, EllipticCurvePublicKey] | None = None,
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._jwks_url = jwks_url
        self._keys: dict[str, EllipticCurvePublicKey] = dict(keys or {})
        self._fetched_at = float("-inf")
        self._lock = asyncio.Lock()

    async def verify(self, token: str) -> Identity:
        """Return the identity a token proves.

        Raises:
            Unauthenticated: for anything but a current, well-formed token signed by a known key.
            Unavailable: when no key is known yet because the issuer cannot be reached.
        """
        if len(token) > TOKEN_LENGTH_MAX or not COMPACT.fullmatch(token):
            raise Unauthenticated("The token is longer than any we issue, or holds what none does.")
        key = await self._key_of(token)
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=["ES256"],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": REQUIRED_CLAIMS, "strict_aud": True},
            )
            _require_ours(claims)
            return _identity(claims)
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The token has expired: refresh it or log in again.", "token_expired") from None
        except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, OverflowError) as invalid:
            raise Unauthenticated("The token is not valid: log in again.") from invalid

    async def _key_of(self, token: str) -> EllipticCurvePublicKey:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, ValueError) as invalid:
            raise Unauthenticated("The token cannot be read: log in again.") from invalid
        key_id = header.get("kid")
        if header != {"alg": "ES256", "typ": TOKEN_TYPE, "kid": key_id} or not isinstance(key_id, str):
            raise Unauthenticated("The token is of a kind we do not issue.")
        if key_id not in self._keys:
            await self._fetch()
        key = self._keys.get(key_id)
        if key is None:
            raise Unauthenticated("The token was signed by an unknown key: log in again.")
        return key

    async def _fetch(self) -> None:
        if self._jwks_url is None:
            return
        async with self._lock:
            if time.monotonic() - self._fetched_at < (REFETCH_SECONDS if self._keys else 1):
                return
            self._fetched_at = time.monotonic()
            try:
                async with httpx.AsyncClient(timeout=FETCH_TIMEOUT_SECONDS) as client:
                    answer = await client.get(self._jwks_url)
                    answer.raise_for_status()
                    self._keys.update(_public_keys(answer.json()))
            except (httpx.HTTPError, ValueError, KeyError) as failed:
                if not self._keys:
                    raise Unavailable("The keys that prove tokens cannot be fetched yet; try again.") from failed


def _public_keys(jwks: Mapping[str, Any]) -> dict[str, EllipticCurvePublicKey]:
    keys: dict[str, EllipticCurvePublicKey] = {}
    for entry in list(jwks["keys"])[:KEYS_MAX]:
        key = jwt.PyJWK(entry, algorithm="ES256").key
        if isinstance(key, EllipticCurvePublicKey) and isinstance(entry.get("kid"), str):
            keys[entry["kid"]] = key
    return keys


def _require_ours(claims: Mapping[str, Any]) -> None:
    """Refuse, by ValueError, what is signed but never written so by the issuer: the gateway refuses the same."""
    times = [claims[name] for name in ("iat", "exp", "nbf", "auth_time") if name in claims]
    whole = all(type(moment) in (int, float) and moment == int(moment) for moment in times)
    plain = all(str(UUID(str(claims[name]))) == claims[name] for name in ("sub", "sid"))
    named = isinstance(claims["role"], str) and claims["role"] and claims["jti"]
    lasts = whole and 0 < claims["exp"] - claims["iat"] <= LIFETIME_SECONDS_MAX
    if not (plain and named and lasts and 0 <= claims.get("auth_time", 0) <= claims["iat"] + LEEWAY_SECONDS):
        raise ValueError("signed, and yet not as the issuer writes")


def _identity(claims: Mapping[str, Any]) -> Identity:
    return Identity(
        user_id=UUID(claims["sub"]),
        role=str(claims["role"]),
        scopes=frozenset(str(claims.get("scope", "")).split()),
        session_id=UUID(claims["sid"]),
        token_id=str(claims["jti"]),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC),
        name=str(claims.get("name", "")),
        authenticated_at=datetime.fromtimestamp(int(claims.get("auth_time", 0)), UTC),
        permissions=frozenset(str(claims.get("perm", "")).split()),
    )


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="An access token from POST /api/v1/auth/login")


async def _identity_of(request: Request, credentials: HTTPAuthorizationCredentials | None) -> Identity:
    """Find out who is asking, from the Authorization header alone: no other header is trusted."""
    if credentials is None:
        raise Unauthenticated("Send an access token: `Authorization: Bearer …`.", "token_missing")
    verifier: TokenVerifier = request.app.state.verifier
    return await verifier.verify(credentials.credentials)


Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def current_user(request: Request, credentials: Credentials) -> Identity:
    """Let people pass, of any role."""
    identity = await _identity_of(request, credentials)
    if identity.role == "service":
        raise Forbidden("A service's token opens internal routes only.")
    return identity


async def current_service(request: Request, credentials: Credentials) -> Identity:
    """Let only another service of the platform pass."""
    identity = await _identity_of(request, credentials)
    if identity.role != "service":
        raise Forbidden("This route is for the platform's own services.")
    return identity


CurrentUser = Annotated[Identity, Depends(current_user)]
CurrentService = Annotated[Identity, Depends(current_service)]


def recent_user(user: CurrentUser) -> Identity:
    """Let only people pass who proved who they are in the last five minutes: for acts that are hard to undo."""
    if (now() - user.authenticated_at).total_seconds() > STEP_UP_SECONDS:
        raise StepUpRequired("Confirm who you are (POST /api/v1/auth/step-up), then do this again within five minutes.")
    return user


RecentUser = Annotated[Identity, Depends(recent_user)]


def require_role(*roles: str) -> Callable[[Identity], Identity]:
    """Return a dependency that lets only these roles pass: `Depends(require_role("admin"))`."""

    def check(user: CurrentUser) -> Identity:
        if user.role not in roles:
            raise Forbidden(f"This needs the role {' or '.join(roles)}; yours is {user.role}.")
        return user

    return check


Admin = Annotated[Identity, Depends(require_role("admin"))]

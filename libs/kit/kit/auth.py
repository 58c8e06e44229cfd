"""Access tokens, verified: ES256 only, every claim required, by keys and against revocations this process holds."""

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urljoin
from uuid import UUID

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from kit.clock import now
from kit.errors import Forbidden, NotFound, StepUpRequired, Unauthenticated, Unavailable
from kit.json import loads
from kit.kept import Kept
from kit.trust import trust

TOKEN_LENGTH_MAX = 4096
LEEWAY_SECONDS = 5
LIFETIME_SECONDS_MAX = 3600
COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
REFETCH_SECONDS = 30
FETCH_TIMEOUT_SECONDS = 3
ASK_SECONDS = 2  # how old the list of revocations may be before it is asked for again; a WebSocket looks as often
TRUST_SECONDS = 60  # how long the last list counts while the issuer does not answer
KEYS_MAX = 16
TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type
STEP_UP_SECONDS = 300
PROVEN_MAX = 4_096
READING = frozenset({"GET", "HEAD"})
READ_SCOPE = "read"
CHECKS: Any = {"require": ["iss", "aud", "sub", "sid", "jti", "iat", "exp", "role"], "strict_aud": True}


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
    version: int = 0
    """Grows with every change of role, permissions or delegations; older tokens than the present one are refused."""
    limits: Mapping[str, int] = field(default_factory=dict, compare=False)
    """Figures the operator sets for this person, by name."""
    lenders: frozenset[UUID] = frozenset()
    """Who lets this person look at what is theirs."""
    request_digest: str | None = None
    """The one request that a token exchanged for an API key's signature is good for."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """Sessions that have ended, and the oldest good version of the tokens of people whose rights changed."""

    sessions: frozenset[str] = frozenset()
    versions: Mapping[str, int] = field(default_factory=dict)


class TokenVerifier:
    """Verifies access tokens against public keys and revocations that are given, or fetched from the issuer.

    Keys are asked for every half minute at most: neither a flood of invented ids nor an issuer that is down makes a
    valid token fail. Revocations are known within seconds; unheard of for a minute, no token is good (decision 0037).
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        jwks_url: str | None = None,
        keys: Mapping[str, EllipticCurvePublicKey] | None = None,
        revoked: Callable[[], Awaitable[Revoked]] | None = None,
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._proven: dict[str, tuple[Identity, str]] = {}
        self._own_keys = keys or {}
        self._keys: Kept[Mapping[str, EllipticCurvePublicKey]] | None = None
        if jwks_url is not None:
            self._keys = Kept(lambda: _fetch_keys(jwks_url), REFETCH_SECONDS, float("inf"))
            revoked = revoked or _revoked_by(urljoin(jwks_url, "/internal/revocations"))
        self._revoked = Kept(revoked, ASK_SECONDS, ASK_SECONDS * 2) if revoked else None

    async def verify(self, token: str) -> Identity:
        """Return the identity a token proves.

        Raises:
            Unauthenticated: for anything but a current, well-formed token signed by a known key and not revoked.
            Unavailable: when keys or revocations cannot be learnt.
        """
        if len(token) > TOKEN_LENGTH_MAX or not COMPACT.fullmatch(token):
            raise Unauthenticated("The token is longer than any we issue, or holds what none does.")
        identity, key_id = self._proven.get(token) or (None, _key_id_of(token))
        key = await self._key(key_id)
        if identity is None or now() >= identity.expires_at:
            identity = _proven(token, key, self._issuer, self._audience)
            if len(self._proven) >= PROVEN_MAX:
                self._proven.clear()
            self._proven[token] = identity, key_id  # what a signature proves once, it proves while its key is good
        await self.refuse_revoked(identity)
        return identity

    async def refuse_revoked(self, identity: Identity) -> None:
        """Raise Unauthenticated when an identity that was proven once has been revoked since."""
        if self._revoked is None:
            return
        revoked = await self._revoked.get() or Revoked()
        if self._revoked.age > TRUST_SECONDS:
            raise Unavailable("Whether this session still runs cannot be found out at the moment; try again.")
        if str(identity.session_id) in revoked.sessions:
            raise Unauthenticated("This session has ended: log in again.", "session_ended")
        if identity.version < revoked.versions.get(str(identity.user_id), 0):
            raise Unauthenticated("What you may do has changed: refresh the token.", "token_expired")

    async def until_ended(self, identity: Identity) -> str:
        """Wait as long as an open WebSocket may go on under this identity; return the reason why it must end."""
        while (left := (identity.expires_at - now()).total_seconds()) > 0:
            await asyncio.sleep(min(left, ASK_SECONDS))
            try:
                await self.refuse_revoked(identity)
            except (Unauthenticated, Unavailable) as refused:
                return refused.detail
        return "the token has expired: connect again with a new one"

    async def keys(self, *, renewed: bool = False) -> Mapping[str, EllipticCurvePublicKey]:
        """Return the keys that prove tokens, by their ids; raise Unavailable before they were ever fetched."""
        keys = await self._keys.get(renewed=renewed) if self._keys else self._own_keys
        if keys is None:
            raise Unavailable("The keys that prove tokens cannot be fetched yet; try again.")
        return keys

    async def _key(self, key_id: str) -> EllipticCurvePublicKey:
        if key_id not in (keys := await self.keys()) and key_id not in (keys := await self.keys(renewed=True)):
            raise Unauthenticated("The token was signed by an unknown key: log in again.")
        return keys[key_id]


def _no_figure(name: str) -> None:
    raise ValueError(f"{name} is no figure")


STRICT = json.JSONDecoder(parse_constant=_no_figure)
"""Reads what the issuer writes: readers differ on anything that is not ASCII, and on NaN."""


def _key_id_of(token: str) -> str:
    try:
        header = jwt.get_unverified_header(token)
        for part in token.split(".")[:2]:
            STRICT.decode(base64.urlsafe_b64decode(part + "==").decode("ascii"))
    except (jwt.InvalidTokenError, ValueError, RecursionError) as invalid:
        raise Unauthenticated("The token cannot be read: log in again.") from invalid
    if header != {"alg": "ES256", "typ": TOKEN_TYPE, "kid": str(header.get("kid"))}:
        raise Unauthenticated("The token is of a kind we do not issue.")
    return str(header["kid"])


def _proven(token: str, key: EllipticCurvePublicKey, issuer: str, audience: str) -> Identity:
    try:
        claims = jwt.decode(token, key, ["ES256"], CHECKS, issuer=issuer, audience=audience, leeway=LEEWAY_SECONDS)
        _require_ours(claims)
        return _identity(claims)
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("The token has expired: refresh it or log in again.", "token_expired") from None
    except (jwt.InvalidTokenError, KeyError, TypeError, ValueError, OverflowError) as invalid:
        raise Unauthenticated("The token is not valid: log in again.") from invalid


def _revoked_by(url: str) -> Callable[[], Awaitable[Revoked]]:
    """Return a function that asks for the list of revocations, over a new connection: the issuer may have restarted."""
    tag, known = "", Revoked()
    fresh = httpx.Limits(max_keepalive_connections=0)
    client = httpx.AsyncClient(verify=trust(), timeout=FETCH_TIMEOUT_SECONDS, limits=fresh)

    async def fetch() -> Revoked:
        nonlocal tag, known
        answer = await client.get(url, headers={"If-None-Match": tag} if tag else {})
        if answer.status_code != httpx.codes.NOT_MODIFIED:
            body = loads(answer.raise_for_status().content)
            known = Revoked(frozenset(body["sessions"]), dict(body["versions"]))
            tag = answer.headers.get("etag", "")
        return known

    return fetch


async def _fetch_keys(url: str) -> Mapping[str, EllipticCurvePublicKey]:
    async with httpx.AsyncClient(verify=trust(), timeout=FETCH_TIMEOUT_SECONDS) as client:
        return _public_keys((await client.get(url)).raise_for_status().json())


def _public_keys(jwks: Mapping[str, Any]) -> Mapping[str, EllipticCurvePublicKey]:
    keys = {entry.get("kid"): jwt.PyJWK(entry, algorithm="ES256").key for entry in list(jwks["keys"])[:KEYS_MAX]}
    return {kid: key for kid, key in keys.items() if isinstance(key, EllipticCurvePublicKey) and isinstance(kid, str)}


def _require_ours(claims: Mapping[str, Any]) -> None:
    """Refuse, by ValueError, what is signed but never written so by the issuer: the gateway refuses the same."""
    times = [claims[name] for name in ("iat", "exp", "nbf", "auth_time") if name in claims]
    good = all(type(moment) in (int, float) and moment == int(moment) for moment in times)
    good = good and 0 < claims["exp"] - claims["iat"] <= LIFETIME_SECONDS_MAX
    good = good and 0 <= claims.get("auth_time", 0) <= claims["iat"] + LEEWAY_SECONDS
    good = good and [str(UUID(str(claims[name]))) for name in ("sub", "sid")] == [claims["sub"], claims["sid"]]
    if not (good and isinstance(claims["role"], str) and claims["role"] and claims["jti"]):
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
        version=int(claims.get("ver", 0)),
        limits={str(name): int(value) for name, value in dict(claims.get("lim", {})).items()},
        lenders=frozenset(UUID(each) for each in str(claims.get("deleg", "")).split()),
        request_digest=claims.get("req"),
    )


async def _identity_of(request: Request, credentials: HTTPAuthorizationCredentials | None) -> Identity:
    """Find out who is asking, from the Authorization header alone: no other header is trusted."""
    if credentials is None:
        raise Unauthenticated("Send an access token: `Authorization: Bearer …`.", "token_missing")
    verifier: TokenVerifier = request.app.state.verifier
    identity = await verifier.verify(credentials.credentials)
    if identity.request_digest is not None and identity.request_digest != await _digest_of(request):
        raise Unauthenticated("The signature is of another request: sign method, address and body as they are sent.")
    return identity


async def _digest_of(request: Request) -> str:
    target = request.scope["raw_path"].decode() + ("?" if request.url.query else "") + request.url.query
    return request_digest(request.method, target, hashlib.sha256(await request.body()).hexdigest())


def request_digest(method: str, target: str, body_sha256: str) -> str:
    """Name one request: what an API key's signature covers, and the exchanged token is good for."""
    return hashlib.sha256(f"{method}\n{target}\n{body_sha256}".encode()).hexdigest()


BEARER = HTTPBearer(auto_error=False, bearerFormat="JWT", description="An access token from POST /api/v1/auth/login")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
Lender = Annotated[UUID | None, Header(alias="X-On-Behalf-Of", include_in_schema=False)]


async def current_user(request: Request, credentials: Credentials, lender: Lender = None) -> Identity:
    """Let people pass, of any role; a viewer, a delegate and a key only as far as they may go.

    `app.state.write_scope` is what a key needs to change something (None: no key may), `app.state.lends` whether
    people may let others look at what is theirs in this service, `app.state.viewers_change` where even viewers write.
    """
    identity = await _identity_of(request, credentials)
    reads, state = request.method in READING, request.app.state
    if identity.role == "service":
        raise Forbidden("A service's token opens internal routes only.")
    if identity.role == "viewer" and not reads and not request.url.path.startswith(state.viewers_change):
        raise Forbidden("This needs the role user or admin; a viewer only reads.")
    if identity.scopes and (READ_SCOPE if reads else state.write_scope) not in identity.scopes:
        raise Forbidden(f"This key needs the scope {READ_SCOPE if reads else state.write_scope or 'of a person'}.")
    if lender is None:
        return identity
    if not reads or not state.lends:
        raise Forbidden("On behalf of somebody else you may only look.")
    if lender not in identity.lenders:
        raise NotFound("There is nobody of this id who lets you look.")
    return replace(identity, user_id=lender)


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


def admin_user(user: CurrentUser) -> Identity:
    """Let only admins pass."""
    if user.role != "admin":
        raise Forbidden(f"This needs the role admin; yours is {user.role}.")
    return user


Admin = Annotated[Identity, Depends(admin_user)]

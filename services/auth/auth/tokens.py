"""Access tokens, signed: only auth holds the keys, everybody else verifies by the public halves."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from kit.auth import TOKEN_TYPE, Revoked, TokenVerifier
from kit.ids import new_id

from auth.domain.user import User
from auth.keyring import Keyring

NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Claims:
    """What one token says, besides its dates and who made it."""

    subject: UUID
    session_id: UUID
    token_id: UUID
    role: str
    name: str
    authenticated_at: datetime = NEVER
    permissions: frozenset[str] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)
    version: int = 0
    scopes: frozenset[str] = frozenset()
    lenders: frozenset[UUID] = frozenset()
    request_digest: str | None = None


def claims_of(user: User, session_id: UUID, authenticated_at: datetime) -> Claims:
    """Return what a token of this person says: everything that decides what they may do."""
    return Claims(
        subject=user.id,
        session_id=session_id,
        token_id=new_id(),
        role=user.role,
        name=user.profile.name,
        authenticated_at=authenticated_at,
        permissions=user.permissions.granted,
        limits=user.permissions.limits,
        version=user.rights_version,
        lenders=user.lenders,
    )


class TokenSigner:
    """Signs access tokens, and publishes the keys they are verified by."""

    def __init__(self, keys: Keyring, *, issuer: str, audience: str, ttl_seconds: int) -> None:
        self.keys = keys
        self._issuer = issuer
        self._audience = audience
        self.ttl_seconds = ttl_seconds

    def sign(self, claims: Claims, now: datetime, ttl_seconds: int | None = None) -> str:
        """Return an access token that is good from now for `ttl_seconds`."""
        issued_at = int(now.timestamp())
        payload: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(claims.subject),
            "sid": str(claims.session_id),
            "jti": str(claims.token_id),
            "iat": issued_at,
            "exp": issued_at + (ttl_seconds or self.ttl_seconds),
            "role": claims.role,
            "scope": " ".join(sorted(claims.scopes)),
            "name": claims.name,
            "auth_time": int(claims.authenticated_at.timestamp()),
            "perm": " ".join(sorted(claims.permissions)),
            "lim": dict(claims.limits),
            "ver": claims.version,
        }
        if claims.lenders:
            payload["deleg"] = " ".join(sorted(str(each) for each in claims.lenders))
        if claims.request_digest is not None:
            payload["req"] = claims.request_digest
        key = self.keys.signing(now)
        return jwt.encode(payload, key.key, "ES256", headers={"typ": TOKEN_TYPE, "kid": key.key_id})

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys as a JSON Web Key Set."""
        return {
            "keys": [{**key.members, "kid": key.key_id, "use": "sig", "alg": "ES256"} for key in self.keys.published()]
        }

    def verifier(self, revoked: Callable[[], Awaitable[Revoked]] | None = None) -> TokenVerifier:
        """Return a verifier of our own tokens that needs no network."""
        return TokenVerifier(issuer=self._issuer, audience=self._audience, keys=self.keys, revoked=revoked)

"""Access tokens, signed: only auth holds the key, everybody else verifies by the public half."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from kit.auth import TOKEN_TYPE, TokenVerifier
from kit.json import dumps_text

COORDINATE_BYTES = 32
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


def read_key(pem: str) -> EllipticCurvePrivateKey:
    """Read the signing key.

    Raises:
        ValueError: when it is not the private key of a pair on P-256.
    """
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("the signing key must be an elliptic curve key on P-256 (ES256)")  # noqa: TRY004 - a setting
    return key


class TokenSigner:
    """Signs access tokens, and publishes the key they are verified by."""

    def __init__(self, key: EllipticCurvePrivateKey, *, issuer: str, audience: str, ttl_seconds: int) -> None:
        self._key = key
        self._issuer = issuer
        self._audience = audience
        self.ttl_seconds = ttl_seconds
        point = key.public_key().public_numbers()
        self._members = {"crv": "P-256", "kty": "EC", "x": _base64url(point.x), "y": _base64url(point.y)}
        thumbprint = hashlib.sha256(dumps_text(self._members).encode()).digest()
        self.key_id = base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()
        """The RFC 7638 thumbprint: anybody who holds the public key can compute it."""

    def sign(self, claims: Claims, now: datetime) -> str:
        """Return an access token that is good from now for `ttl_seconds`."""
        issued_at = int(now.timestamp())
        payload: dict[str, Any] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(claims.subject),
            "sid": str(claims.session_id),
            "jti": str(claims.token_id),
            "iat": issued_at,
            "exp": issued_at + self.ttl_seconds,
            "role": claims.role,
            "scope": "",
            "name": claims.name,
            "auth_time": int(claims.authenticated_at.timestamp()),
            "perm": " ".join(sorted(claims.permissions)),
        }
        return jwt.encode(payload, self._key, "ES256", headers={"typ": TOKEN_TYPE, "kid": self.key_id})

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public key as a JSON Web Key Set."""
        return {"keys": [{**self._members, "kid": self.key_id, "use": "sig", "alg": "ES256"}]}

    def verifier(self) -> TokenVerifier:
        """Return a verifier of our own tokens that needs no network."""
        keys = {self.key_id: self._key.public_key()}
        return TokenVerifier(issuer=self._issuer, audience=self._audience, keys=keys)


def _base64url(coordinate: int) -> str:
    return base64.urlsafe_b64encode(coordinate.to_bytes(COORDINATE_BYTES, "big")).rstrip(b"=").decode()

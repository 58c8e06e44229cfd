"""The issuer of access tokens that tests play: it signs what it is told to, right or wrong."""

import base64
import time
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from kit.auth import TOKEN_TYPE, TokenVerifier
from kit.ids import new_id

KEY_ID = "2026-11"
OLDER_KEY_ID = "2026-08"
TOKEN_SECONDS = 600


@dataclass(frozen=True)
class Issuer:
    """Signs tokens as auth does: one current key, one older key that is still honoured."""

    key: EllipticCurvePrivateKey
    older_key: EllipticCurvePrivateKey

    @classmethod
    def new(cls) -> "Issuer":
        """Make both keys."""
        return cls(generate_private_key(SECP256R1()), generate_private_key(SECP256R1()))

    def public_keys(self) -> dict[str, str]:
        """The gateway's keys.json."""
        keys = {KEY_ID: self.key, OLDER_KEY_ID: self.older_key}
        return {name: base64.b64encode(spki(key)).decode() for name, key in keys.items()}

    def verifier(self) -> TokenVerifier:
        """The verifier of a service that holds both public keys."""
        keys = {KEY_ID: self.key.public_key(), OLDER_KEY_ID: self.older_key.public_key()}
        return TokenVerifier(issuer="exodus", audience="exodus", keys=keys)

    def token(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """Sign a token that is right in everything but what is given; a claim given as None is left out."""
        names = {"kid": KEY_ID, "typ": TOKEN_TYPE} | (headers or {})
        key = self.older_key if names["kid"] == OLDER_KEY_ID else self.key
        return jwt.encode(right_claims(**claims), key, "ES256", headers=names)


def right_claims(**changed: Any) -> dict[str, Any]:
    """Every claim of an access token, with these changed, and those that are None left out."""
    moment = int(time.time())
    claims: dict[str, Any] = {
        "iss": "exodus",
        "aud": "exodus",
        "sub": str(new_id()),
        "sid": str(new_id()),
        "jti": str(new_id()),
        "iat": moment,
        "exp": moment + TOKEN_SECONDS,
        "role": "user",
        "scope": "",
        "name": "김하나",
        "auth_time": changed.get("iat", moment),
        "perm": "paper",
    }
    return {name: value for name, value in (claims | changed).items() if value is not None}


def spki(key: EllipticCurvePrivateKey) -> bytes:
    """The public half, as SubjectPublicKeyInfo in DER."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

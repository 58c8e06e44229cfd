"""Tokens for tests, signed by a key made for the run: the verifier that accepts them is the real one."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from kit.auth import TOKEN_TYPE, TokenVerifier
from kit.clock import now
from kit.ids import new_id

KEY_ID = "test-key"
TOKEN_MINUTES = 10


class Tokens:
    """Signs access tokens as auth would."""

    def __init__(self) -> None:
        self.key = generate_private_key(SECP256R1())
        self.verifier = TokenVerifier(issuer="exodus", audience="exodus", keys={KEY_ID: self.key.public_key()})

    def claims(self, user_id: UUID, role: str = "user") -> dict[str, Any]:
        """Return the claims of a good token."""
        moment = now()
        return {
            "iss": "exodus",
            "aud": "exodus",
            "sub": str(user_id),
            "sid": str(new_id()),
            "jti": str(new_id()),
            "iat": moment,
            "exp": moment + timedelta(minutes=TOKEN_MINUTES),
            "role": role,
            "scope": "",
            "name": "a test person",
            "auth_time": int(moment.timestamp()),
            "perm": "paper",
            "ver": 0,
        }

    def sign(self, claims: dict[str, Any]) -> str:
        """Sign whatever claims are given."""
        return jwt.encode(claims, self.key, "ES256", headers={"typ": TOKEN_TYPE, "kid": KEY_ID})

    def for_user(self, user_id: UUID, role: str = "user") -> str:
        """Return a good token."""
        return self.sign(self.claims(user_id, role))

"""The token by which a browser is known again: it proves by itself, without a database, that it was given by us."""

import base64
import hmac
import secrets
from typing import Final
from uuid import UUID

from auth.domain.session import SECRET_BYTES, TOKEN_LENGTH, encode
from auth.sealing import Sealer

PROOF_BYTES: Final = 12
NOBODY: Final = UUID(int=0)
"""Whose it is says the database, and only after a log-in there."""


def new_token(sealer: Sealer) -> str:
    """Make one."""
    number = secrets.token_bytes(SECRET_BYTES - PROOF_BYTES)
    return encode(number + _proof(number, sealer))


def is_ours(token: str, sealer: Sealer) -> bool:
    """Tell whether we made it; earlier versions made some that prove nothing."""
    if len(token) != TOKEN_LENGTH:
        return False
    try:
        made = base64.urlsafe_b64decode(f"{token}=")
    except ValueError:
        return False
    is_proof = hmac.compare_digest(made[-PROOF_BYTES:], _proof(made[:-PROOF_BYTES], sealer))
    return is_proof and encode(made) == token  # in one spelling alone


def _proof(number: bytes, sealer: Sealer) -> bytes:
    return sealer.digest(f"device {number.hex()}", NOBODY)[:PROOF_BYTES]

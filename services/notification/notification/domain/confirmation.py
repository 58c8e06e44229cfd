"""Codes that prove that an address belongs to whoever named it."""

import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

CODE_LIFE = timedelta(days=1)
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without what is mistaken for something else; 32 characters, so a random byte gives each with the same chance."""
CODE_LENGTH = 12


def code_from(random: bytes) -> str:
    """Write random bytes, at least 12 of them, as a code: 60 bits."""
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in random[:CODE_LENGTH])


def confirms(code: str, secrets: Mapping[str, str], created_at: datetime, now: datetime) -> bool:
    """Tell whether a code that came back is the channel's and not too old."""
    expected = secrets.get("code", "")
    same = hmac.compare_digest(code.strip().upper().encode(), expected.encode())
    return bool(expected) and same and now - created_at < CODE_LIFE

"""What forged tokens are made of: their parts, put together by hand as no library would."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from kit.testing.issuer import KEY_ID

GROUP_SIZE: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
FIELD_SIZE: Final = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
RIGHT_HEADER: Final = {"alg": "ES256", "kid": KEY_ID, "typ": "at+jwt"}


def text_of(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(value: object) -> str:
    """One JSON part of a token."""
    return text_of(json.dumps(value).encode())


def integer(value: int, size: int = 32) -> bytes:
    """A number as ES256 writes it: 32 bytes, the highest first."""
    return value.to_bytes(size, "big")


def numbers_of(key: ec.EllipticCurvePrivateKey, text: str) -> tuple[int, int]:
    """Sign; return r and s."""
    return decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))


def signature_of(key: ec.EllipticCurvePrivateKey, text: str) -> bytes:
    """Sign as ES256 does: r and s, 32 bytes each."""
    r, s = numbers_of(key, text)
    return integer(r) + integer(s)


def hashed(text: str) -> int:
    """The number that ES256 signs."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")


def signed_by_nonce(key: ec.EllipticCurvePrivateKey, text: str, nonce: int) -> tuple[int, int]:
    """Sign with a nonce of our choice, which no library lets anybody do: r and s follow from it."""
    point = ec.derive_private_key(nonce, ec.SECP256R1()).public_key().public_numbers()
    secret = key.private_numbers().private_value
    r = point.x % GROUP_SIZE
    return r, (hashed(text) + r * secret) * pow(nonce, -1, GROUP_SIZE) % GROUP_SIZE


def signed_until(key: ec.EllipticCurvePrivateKey, text: str, wanted: Callable[[int, int], bool]) -> tuple[int, int]:
    """Sign again and again until r and s are as wanted: each signature has new ones."""
    while True:
        r, s = numbers_of(key, text)
        if wanted(r, s):
            return r, s


def signed(key: ec.EllipticCurvePrivateKey, header: object, claims: object) -> str:
    """A token with any header and claims, and a signature that fits them."""
    return signed_text(key, f"{part(header)}.{part(claims)}")


def signed_text(key: ec.EllipticCurvePrivateKey, text: str) -> str:
    """A token whose first two parts are given as they are, and a signature that fits them."""
    return f"{text}.{text_of(signature_of(key, text))}"

"""The keys that sign access tokens: a first one, the next one published before it signs, a bad one taken out at once.

They lie in one secret file that auth reads again when it changes (services/auth/auth/keyring.py); the gateway's copy of
the public halves is written beside it, and nginx is told to read it.
"""

import base64
import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tools.native.accounts import write_private
from tools.native.errors import StackError
from tools.native.layout import Layout

FILE = "auth_signing_key"
PUBLISHED = "keys.json"
LEAD_SECONDS = 90
"""Between publishing a key and signing with it: services ask for keys every 30 s, auth looks at the file every 2 s."""
TOKEN_SECONDS_MAX = 3600 + 60
"""How long a token may live (`AUTH_TOKEN_TTL_SECONDS`), clocks that differ included."""
ENTRY = re.compile(
    r"(?:^signs-from: (?P<since>\S+)\n)?(?P<pem>^-----BEGIN [^-]+-----\n[^-]+-----END [^-]+-----)", re.MULTILINE
)
BEGINNING = dt.datetime.fromtimestamp(0, dt.UTC)


@dataclass(frozen=True)
class Key:
    """One private key in PEM, and from when on it signs."""

    pem: str
    signs_from: dt.datetime

    @property
    def public(self) -> ec.EllipticCurvePublicKey:
        private = serialization.load_pem_private_key(self.pem.encode(), password=None)
        assert isinstance(private, ec.EllipticCurvePrivateKey), "access tokens are signed with ES256"
        return private.public_key()

    @property
    def key_id(self) -> str:
        return thumbprint(self.public)


def read(text: str) -> list[Key]:
    """The keys of a file, in the order in which they sign."""
    found = [
        Key(entry["pem"] + "\n", dt.datetime.fromisoformat(entry["since"]) if entry["since"] else BEGINNING)
        for entry in ENTRY.finditer(text)
    ]
    return sorted(found, key=lambda key: key.signs_from)


def write(keys: list[Key]) -> str:
    return "".join(f"signs-from: {key.signs_from.isoformat()}\n{key.pem}" for key in keys)


def rotated(keys: list[Key], now: dt.datetime) -> list[Key]:
    """These keys and a new one, without those whose last token has died: their successor has signed for that long."""
    after = [*keys, Key(new_key(), now + dt.timedelta(seconds=LEAD_SECONDS))]
    dead = now - dt.timedelta(seconds=TOKEN_SECONDS_MAX)
    successors = after[1:]
    return [key for key, following in zip(after, successors, strict=False) if following.signs_from > dead] + after[-1:]


def without(keys: list[Key], key_id: str, now: dt.datetime) -> list[Key]:
    """These keys without one; when no other signs already, a new one does from now on.

    Raises:
        StackError: when there is no such key.
    """
    left = [key for key in keys if key.key_id != key_id]
    if len(left) == len(keys):
        raise StackError(f"there is no key {key_id} (any more); there are {', '.join(key.key_id for key in keys)}")
    return left if any(key.signs_from <= now for key in left) else [*left, Key(new_key(), now)]


def new_key() -> str:
    """A fresh ES256 key as PEM text."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def gateway_keys(signing_keys: str) -> Mapping[str, str]:
    """kid → base64 SPKI of the public keys, as the gateway's verifier reads them."""
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {key.key_id: base64.b64encode(key.public.public_bytes(*form)).decode() for key in read(signing_keys)}


def thumbprint(public: ec.EllipticCurvePublicKey) -> str:
    """The key's id: its RFC 7638 thumbprint, which anybody who holds the public key can compute."""
    numbers = public.public_numbers()
    members = {"crv": "P-256", "kty": "EC", "x": _base64url(numbers.x), "y": _base64url(numbers.y)}
    digest = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _base64url(coordinate: int) -> str:
    return base64.urlsafe_b64encode(coordinate.to_bytes(32, "big")).rstrip(b"=").decode()


def publish(layout: Layout, text: str) -> None:
    """Writes the gateway's copy of the public keys."""
    written = json.dumps(gateway_keys(text), indent=1)
    for folder in layout.gateway_folders():
        write_private(folder / PUBLISHED, written, mode=0o644)  # public keys, read by the gateway's workers

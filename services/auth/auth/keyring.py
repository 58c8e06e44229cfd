"""The keys that sign access tokens: one signs, older ones still verify, and the next is published before it signs.

They lie in one secret file, PEM after PEM, each below a line `signs-from: <time>` (a first key needs none). The file is
read again when it changes, so that keys are rotated and taken out of service without a restart.
"""

import base64
import hashlib
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from kit.json import dumps_text

COORDINATE_BYTES = 32
LOOK_SECONDS = 2.0
ALWAYS = datetime.fromtimestamp(0, UTC)
ENTRY = re.compile(
    r"(?:^signs-from: (?P<since>\S+)\n)?(?:^[a-z-]+: .*\n)*"
    r"(?P<pem>^-----BEGIN (?P<kind>[A-Z ]+)-----\n[^-]+-----END (?P=kind)-----)",
    re.MULTILINE,
)

log = structlog.get_logger()


@dataclass(frozen=True)
class SigningKey:
    """A private key, and from when on it signs."""

    key: EllipticCurvePrivateKey
    signs_from: datetime

    @cached_property
    def members(self) -> dict[str, str]:
        """The public key as a JSON Web Key without its id."""
        point = self.key.public_key().public_numbers()
        return {"crv": "P-256", "kty": "EC", "x": _base64url(point.x), "y": _base64url(point.y)}

    @cached_property
    def key_id(self) -> str:
        """The RFC 7638 thumbprint: anybody who holds the public key can compute it."""
        thumbprint = hashlib.sha256(dumps_text(self.members).encode()).digest()
        return base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()


def read_keys(text: str) -> list[SigningKey]:
    """Read the signing keys.

    Raises:
        ValueError: when there is none, or one is not the private key of a pair on P-256.
    """
    found = [
        SigningKey(_read_key(entry["pem"]), datetime.fromisoformat(entry["since"]) if entry["since"] else ALWAYS)
        for entry in ENTRY.finditer(text.replace("\r\n", "\n"))
    ]
    if not found:
        raise ValueError("the signing key must be a private key in PEM")
    return found


def _read_key(pem: str) -> EllipticCurvePrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("the signing key must be an elliptic curve key on P-256 (ES256)")  # noqa: TRY004 - a setting
    return key


def _base64url(coordinate: int) -> str:
    return base64.urlsafe_b64encode(coordinate.to_bytes(COORDINATE_BYTES, "big")).rstrip(b"=").decode()


class Keyring(Mapping[str, EllipticCurvePublicKey]):
    """Key id → public key, as the file has them at this moment."""

    def __init__(self, text: str, file: Path | None = None) -> None:
        self._file = file if file is not None and file.is_file() else None
        self._keys = {key.key_id: key for key in read_keys(text)}
        self._written = self._file.stat().st_mtime_ns if self._file else 0
        self._looked_at = time.monotonic()

    def signing(self, now: datetime) -> SigningKey:
        """Return the newest key that signs already; if all are for later, the one that comes first."""
        keys = self._current().values()
        in_force = [key for key in keys if key.signs_from <= now]
        return max(in_force, key=lambda key: key.signs_from) if in_force else min(keys, key=lambda key: key.signs_from)

    def published(self) -> list[SigningKey]:
        """Return every key whose tokens are good, or will be."""
        return list(self._current().values())

    def __getitem__(self, key_id: str) -> EllipticCurvePublicKey:
        return self._current()[key_id].key.public_key()

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def _current(self) -> dict[str, SigningKey]:
        if self._file is not None and time.monotonic() - self._looked_at > LOOK_SECONDS:
            self._looked_at = time.monotonic()
            try:
                written = self._file.stat().st_mtime_ns
                if written != self._written:
                    self._keys = {key.key_id: key for key in read_keys(self._file.read_text())}
                    self._written = written
                    log.info("signing keys were read again", keys=list(self._keys))
            except (OSError, ValueError):
                log.exception("the signing keys cannot be read again; those known stay")
        return self._keys

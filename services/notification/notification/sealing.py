"""Secrets of channels at rest: AES-256-GCM, bound to whose and which channel they are; and the key of web push.

There may be several keys, the newest first: that one seals, each opens, and the oldest goes on making the key of web
push, to which browsers have bound themselves. An operator adds one while we run (decision 126).
"""

import hmac
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from kit.json import dumps, loads

NONCE_BYTES: Final = 12
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class DoesNotOpen(Exception):
    """Sealed by another key, for another channel or owner, or changed since."""


class Sealer:
    """Seals and opens, by keys derived from secrets that are never in the database."""

    def __init__(self, secrets: str, file: Path | None = None) -> None:
        self._secrets = secrets.split()
        self._file = file
        self._written = 0
        oldest = self._secrets[-1].encode()
        # 64 bytes reduced modulo the order: no number is likelier than another
        wide = int.from_bytes(hmac.digest(oldest, b"exodus notification: web push", "sha512"), "big")
        self.push_key = ec.derive_private_key(wide % (P256_ORDER - 1) + 1, ec.SECP256R1())

    def seal(self, secrets: dict[str, str], owner: UUID, channel: UUID) -> bytes:
        """Return nonce and ciphertext; opened only for the same owner and channel."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + _cipher(self._known()[0]).encrypt(nonce, dumps(secrets), _place(owner, channel))

    def open(self, sealed: bytes, owner: UUID, channel: UUID) -> dict[str, str]:
        """Return what was sealed.

        Raises:
            DoesNotOpen: for anything that none of our keys sealed for this owner and channel.
        """
        for secret in self._known():
            with suppress(InvalidTag, ValueError):
                plain = _opened(secret, sealed, _place(owner, channel))
                return {str(name): str(value) for name, value in loads(plain).items()}
        raise DoesNotOpen("the secrets of a channel do not open: was NOTIFICATION_SEALING_KEY changed?")

    def is_newest(self, sealed: bytes, owner: UUID, channel: UUID) -> bool:
        """Whether the newest key has sealed it."""
        try:
            _opened(self._known()[0], sealed, _place(owner, channel))
        except (InvalidTag, ValueError):
            return False
        return True

    def _known(self) -> Sequence[str]:
        """The secrets, as the file has them at this moment."""
        if self._file is not None and (written := self._file.stat().st_mtime_ns) != self._written:
            self._secrets, self._written = self._file.read_text().split(), written
        return self._secrets


def _cipher(secret: str) -> AESGCM:
    return AESGCM(hmac.digest(secret.encode(), b"exodus notification: seal", "sha256"))


def _opened(secret: str, sealed: bytes, place: bytes) -> bytes:
    return _cipher(secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)


def _place(owner: UUID, channel: UUID) -> bytes:
    return f"channel|{owner}|{channel}".encode()

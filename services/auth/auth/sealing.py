"""Secrets that must be read again are sealed: AES-256-GCM, bound to what they are for and to whose they are.

There may be several keys, the newest first: that one seals, each opens, and the oldest goes on making the digests, for
nobody can make those anew. An operator adds one while we run (decision 126).
"""

import hashlib
import hmac
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class Unsealable(Exception):
    """Sealed by another key, for somebody else, for another purpose, or changed since."""


class Sealer:
    """Seals and opens by keys derived from each secret: one for sealing, one for digests of what people type in."""

    def __init__(self, secrets: str, file: Path | None = None) -> None:
        self._secrets = secrets.split()
        self._file = file
        self._written = 0

    def seal(self, plain: bytes, purpose: str, owner: UUID) -> bytes:
        """Return nonce and ciphertext; opened only with the same purpose and owner."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + _cipher(self._known()[0]).encrypt(nonce, plain, _binding(purpose, owner))

    def open(self, sealed: bytes, purpose: str, owner: UUID) -> bytes:
        """Return what was sealed.

        Raises:
            Unsealable: for anything that was not sealed by one of our keys for this purpose and owner.
        """
        for secret in self._known():
            with suppress(InvalidTag):
                return _opened(secret, sealed, _binding(purpose, owner))
        raise Unsealable(f"a {purpose} of {owner} cannot be opened: was AUTH_SEALING_KEY changed?")

    def is_newest(self, sealed: bytes, purpose: str, owner: UUID) -> bool:
        """Whether the newest key has sealed it."""
        try:
            _opened(self._known()[0], sealed, _binding(purpose, owner))
        except InvalidTag:
            return False
        return True

    def digest(self, text: str, owner: UUID) -> bytes:
        """Return what is stored of a short secret: without our key, a stolen database is nothing to try codes on."""
        pepper = hmac.digest(self._known()[-1].encode(), b"exodus auth: digest", "sha256")
        return hmac.new(pepper, owner.bytes + text.encode(), hashlib.sha256).digest()

    def _known(self) -> Sequence[str]:
        """The secrets, as the file has them at this moment."""
        if self._file is not None and (written := self._file.stat().st_mtime_ns) != self._written:
            self._secrets, self._written = self._file.read_text().split(), written
        return self._secrets


def _cipher(secret: str) -> AESGCM:
    return AESGCM(hmac.digest(secret.encode(), b"exodus auth: seal", "sha256"))


def _opened(secret: str, sealed: bytes, binding: bytes) -> bytes:
    return _cipher(secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], binding)


def _binding(purpose: str, owner: UUID) -> bytes:
    return f"{purpose}|{owner}".encode()

"""Secrets that must be read again are sealed: AES-256-GCM, bound to what they are for and to whose they are."""

import hashlib
import hmac
import os
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class Unsealable(Exception):
    """Sealed by another key, for somebody else, for another purpose, or changed since."""


class Sealer:
    """Seals and opens by keys derived from one secret: one for sealing, one for digests of what people type in."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(hmac.digest(secret.encode(), b"exodus auth: seal", "sha256"))
        self._pepper = hmac.digest(secret.encode(), b"exodus auth: digest", "sha256")

    def seal(self, plain: bytes, purpose: str, owner: UUID) -> bytes:
        """Return nonce and ciphertext; opened only with the same purpose and owner."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, _binding(purpose, owner))

    def open(self, sealed: bytes, purpose: str, owner: UUID) -> bytes:
        """Return what was sealed.

        Raises:
            Unsealable: for anything that was not sealed by this key for this purpose and owner.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _binding(purpose, owner))
        except InvalidTag:
            raise Unsealable(f"a {purpose} of {owner} cannot be opened: was AUTH_SEALING_KEY changed?") from None

    def digest(self, text: str, owner: UUID) -> bytes:
        """Return what is stored of a short secret: without our key, a stolen database is nothing to try codes on."""
        return hmac.new(self._pepper, owner.bytes + text.encode(), hashlib.sha256).digest()


def _binding(purpose: str, owner: UUID) -> bytes:
    return f"{purpose}|{owner}".encode()

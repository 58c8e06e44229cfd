"""Secrets of channels at rest: AES-256-GCM, bound to whose and which channel they are; and the key of web push."""

import hmac
import os
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
    """Seals and opens, by keys derived from one secret that is never in the database."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(hmac.digest(secret.encode(), b"exodus notification: seal", "sha256"))
        # 64 bytes reduced modulo the order: no number is likelier than another
        wide = int.from_bytes(hmac.digest(secret.encode(), b"exodus notification: web push", "sha512"), "big")
        self.push_key = ec.derive_private_key(wide % (P256_ORDER - 1) + 1, ec.SECP256R1())

    def seal(self, secrets: dict[str, str], owner: UUID, channel: UUID) -> bytes:
        """Return nonce and ciphertext; opened only for the same owner and channel."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, dumps(secrets), _place(owner, channel))

    def open(self, sealed: bytes, owner: UUID, channel: UUID) -> dict[str, str]:
        """Return what was sealed.

        Raises:
            DoesNotOpen: for anything that this key did not seal for this owner and channel.
        """
        try:
            plain = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _place(owner, channel))
        except (InvalidTag, ValueError) as closed:
            raise DoesNotOpen("the secrets of a channel do not open: was NOTIFICATION_SEALING_KEY changed?") from closed
        return {str(name): str(value) for name, value in loads(plain).items()}


def _place(owner: UUID, channel: UUID) -> bytes:
    return f"channel|{owner}|{channel}".encode()

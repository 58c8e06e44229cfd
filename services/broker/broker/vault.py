"""Credentials at rest: AES-256-GCM under a key of each owner, which is itself wrapped by a key outside the database.

Every box is bound to its place (owner, connection, field, key version): moved to another row or owner, or with one bit
changed, it does not open. The wrapping key is a secret file; without it the database says nothing.
"""

import hmac
import os
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class DoesNotOpen(Exception):
    """A box was tampered with, belongs elsewhere, or was locked with another key."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box belongs."""

    owner: UUID
    connection: UUID
    field: str
    key_version: int

    def text(self) -> bytes:
        return f"{self.owner}|{self.connection}|{self.field}|{self.key_version}".encode()


@dataclass(frozen=True, slots=True)
class OwnerKey:
    """An owner's key as the database keeps it: wrapped."""

    owner: UUID
    version: int
    wrapped: bytes


class Vault:
    """Locks and opens, with the wrapping key in memory only."""

    def __init__(self, wrapping_key: str) -> None:
        key = bytes.fromhex(wrapping_key)
        self._wrapping = AESGCM(key)
        self._print_key = hmac.digest(key, b"prints of broker keys", "sha256")

    def new_key(self, owner: UUID, version: int) -> OwnerKey:
        """A fresh key for an owner."""
        return OwnerKey(owner, version, _lock(self._wrapping, os.urandom(KEY_BYTES), _of(owner, version)))

    def seal(self, key: OwnerKey, place: Place, text: str) -> bytes:
        """Lock a text for one place."""
        return _lock(self._unwrapped(key, place), text.encode(), place.text())

    def open(self, key: OwnerKey, place: Place, box: bytes) -> str:
        """The text in a box, if it lies where it belongs.

        Raises:
            DoesNotOpen: otherwise.
        """
        return _unlock(self._unwrapped(key, place), box, place.text()).decode()

    def print_of(self, text: str) -> bytes:
        """What stands for a secret where it must be found again: nobody without the wrapping key can make it."""
        return hmac.digest(self._print_key, text.encode(), "sha256")

    def seal_token(self, key_print: bytes, text: str) -> bytes:
        """Lock a broker's token, for the key it belongs to."""
        return _lock(self._wrapping, text.encode(), b"token|" + key_print)

    def open_token(self, key_print: bytes, box: bytes) -> str:
        """The token in a box.

        Raises:
            DoesNotOpen: when it is another key's.
        """
        return _unlock(self._wrapping, box, b"token|" + key_print).decode()

    def _unwrapped(self, key: OwnerKey, place: Place) -> AESGCM:
        if (key.owner, key.version) != (place.owner, place.key_version):
            raise DoesNotOpen("this key is another owner's, or of another time")
        return AESGCM(_unlock(self._wrapping, key.wrapped, _of(key.owner, key.version)))


def _of(owner: UUID, version: int) -> bytes:
    return f"{owner}|{version}".encode()


def _lock(key: AESGCM, plain: bytes, place: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + key.encrypt(nonce, plain, place)


def _unlock(key: AESGCM, box: bytes, place: bytes) -> bytes:
    try:
        return key.decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], place)
    except (InvalidTag, ValueError) as closed:
        raise DoesNotOpen("the box does not open") from closed

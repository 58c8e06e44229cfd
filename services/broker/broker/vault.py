"""Credentials at rest: AES-256-GCM under a key of each owner, which is itself wrapped by a key outside the database.

Every box is bound to its place (owner, connection, field, key version): moved to another row or owner, or with one bit
changed, it does not open. The wrapping key is a secret file; without it the database says nothing.

The file may hold several wrapping keys, the newest first: that one wraps, each opens, and the oldest goes on making the
prints. An operator adds one while we run (decision 126).
"""

import hmac
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
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
    """Locks and opens, with the wrapping keys in memory only."""

    def __init__(self, wrapping_keys: str, file: Path | None = None) -> None:
        self._keys = _read(wrapping_keys)
        self._file = file
        self._written = 0

    def new_key(self, owner: UUID, version: int) -> OwnerKey:
        """A fresh key for an owner."""
        return OwnerKey(owner, version, _lock(self._wrapping(), os.urandom(KEY_BYTES), _of(owner, version)))

    def is_newest(self, key: OwnerKey) -> bool:
        """Whether an owner's key is wrapped by the newest wrapping key."""
        try:
            _unlock(self._wrapping(), key.wrapped, _of(key.owner, key.version))
        except DoesNotOpen:
            return False
        return True

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
        return hmac.digest(hmac.digest(self._known()[-1], b"prints of broker keys", "sha256"), text.encode(), "sha256")

    def seal_token(self, key_print: bytes, text: str) -> bytes:
        """Lock a broker's token, for the key it belongs to."""
        return _lock(self._wrapping(), text.encode(), b"token|" + key_print)

    def open_token(self, key_print: bytes, box: bytes) -> str:
        """The token in a box.

        Raises:
            DoesNotOpen: when it is another key's.
        """
        return self._opened(box, b"token|" + key_print).decode()

    def _unwrapped(self, key: OwnerKey, place: Place) -> AESGCM:
        if (key.owner, key.version) != (place.owner, place.key_version):
            raise DoesNotOpen("this key is another owner's, or of another time")
        return AESGCM(self._opened(key.wrapped, _of(key.owner, key.version)))

    def _wrapping(self) -> AESGCM:
        return AESGCM(self._known()[0])

    def _opened(self, box: bytes, place: bytes) -> bytes:
        """What is in a box that any of the wrapping keys has locked, tried from the newest to the oldest."""
        *newer, oldest = self._known()
        for key in newer:
            with suppress(DoesNotOpen):
                return _unlock(AESGCM(key), box, place)
        return _unlock(AESGCM(oldest), box, place)

    def _known(self) -> Sequence[bytes]:
        """The wrapping keys, as the file has them at this moment."""
        if self._file is not None and (written := self._file.stat().st_mtime_ns) != self._written:
            self._keys, self._written = _read(self._file.read_text()), written
        return self._keys


def _read(wrapping_keys: str) -> Sequence[bytes]:
    return [bytes.fromhex(key) for key in wrapping_keys.split()]


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

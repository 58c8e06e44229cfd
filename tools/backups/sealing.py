"""A sealed stream: what a backup is written as, so that it may lie on somebody else's disk.

AES-256-GCM over frames of one mebibyte, as in the STREAM construction: a frame's nonce is its number and whether it is
the last. A frame that was changed, moved, repeated or left out is therefore noticed, and so is a file that ends too
early. Each file has a key of its own, derived (HKDF-SHA256) from the backup key and a random salt, so that nonces never
meet.
"""

import os
import struct
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tools.native.errors import StackError

MAGIC = b"exodus-sealed-1\n"
SALT_BYTES = 32
KEY_BYTES = 32
FRAME_BYTES = 1 << 20
TAG_BYTES = 16


def seal(source: IO[bytes], target: IO[bytes], key: bytes) -> int:
    """Seal everything that `source` has left; return how many bytes that was.

    Args:
        source: what to seal, read to its end.
        target: receives the sealed file.
        key: the backup key, 32 bytes.
    """
    salt = os.urandom(SALT_BYTES)
    cipher = _cipher(key, salt)
    target.write(MAGIC + salt)
    frame, number, total = _read(source), 0, 0
    while True:
        following = _read(source)
        target.write(cipher.encrypt(_nonce(number, last=not following), frame, MAGIC))
        number, total = number + 1, total + len(frame)
        if not following:
            return total
        frame = following


def unseal(source: IO[bytes], target: IO[bytes], key: bytes) -> None:
    """Write what was sealed to `target`. What was written before an error must not be used.

    Raises:
        StackError: when it is no sealed file, the key is another one, or the file was changed or cut.
    """
    head = source.read(len(MAGIC) + SALT_BYTES)
    if len(head) < len(MAGIC) + SALT_BYTES or not head.startswith(MAGIC):
        raise StackError("this is not a sealed backup")
    cipher = _cipher(key, head[len(MAGIC) :])
    sealed, number = _read(source, FRAME_BYTES + TAG_BYTES), 0
    while True:
        following = _read(source, FRAME_BYTES + TAG_BYTES)
        try:
            target.write(cipher.decrypt(_nonce(number, last=not following), sealed, MAGIC))
        except InvalidTag as wrong:
            what = "the key is not the one it was sealed with, or the" if number == 0 else "the"
            raise StackError(f"the backup cannot be opened: {what} file was changed or cut off") from wrong
        number += 1
        if not following:
            return
        sealed = following


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise StackError(f"a backup key has {KEY_BYTES} bytes, this one {len(key)}")
    return AESGCM(HKDF(hashes.SHA256(), KEY_BYTES, salt, MAGIC).derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return struct.pack(">QI", number, last)


def _read(source: IO[bytes], size: int = FRAME_BYTES) -> bytes:
    """Read exactly `size` bytes, fewer only at the end: a pipe gives what it has."""
    parts, missing = [], size
    while missing and (part := source.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)

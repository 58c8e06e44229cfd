"""Frames of KIS's stream: `encrypted|tr_id|count|payload`; pure. Fields are read by position, more may follow."""

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from kit.json import loads


@dataclass(frozen=True, slots=True)
class NoticesOf:
    """How one ledger's notices are called in each environment, and how many fields one has."""

    names: Mapping[str, str]
    fields: int


DOMESTIC_NOTICES: Final = NoticesOf({"real": "H0STCNI0", "paper": "H0STCNI9"}, 26)
OVERSEAS_NOTICES: Final = NoticesOf({"real": "H0GSCNI0", "paper": "H0GSCNI9"}, 25)
_ACCOUNT, _NUMBER = 1, 2  # in both ledgers' notices


class Unreadable(ValueError):
    """A frame that is not what the protocol says."""


@dataclass(frozen=True, slots=True)
class Key:
    """What opens the notices of one subscription; it comes with the answer to it."""

    key: bytes = field(repr=False)
    iv: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Notice:
    """News of an order of an account. It says which one, and nothing that we rely on."""

    account: str
    number: str


def answer(text: str) -> tuple[str, str, Key | None]:
    """What a JSON frame says: its tr_id, its code (empty for a PINGPONG), and the key it brings.

    Raises:
        Unreadable: when it is no such frame.
    """
    try:
        frame: dict[str, Any] = loads(text)
        body = frame.get("body") or {}
        output = body.get("output") or {}
        has_key = "key" in output and "iv" in output
        key = Key(str(output["key"]).encode(), str(output["iv"]).encode()) if has_key else None
        return str(frame["header"]["tr_id"]), str(body.get("msg_cd", "")), key
    except (ValueError, KeyError, AttributeError, TypeError) as unreadable:
        raise Unreadable("a JSON frame without a tr_id") from unreadable


def notices(text: str, key: Key) -> tuple[list[Notice], int]:
    """The notices in a data frame, and how many fields each has: a count other than the known one is drift.

    Raises:
        Unreadable: when it cannot be opened or divided.
    """
    _, records = divided(text, key)
    width = len(records[0])
    if width <= _NUMBER:
        raise Unreadable(f"a notice has more than {width} fields")
    return [Notice(record[_ACCOUNT], record[_NUMBER]) for record in records], width


def divided(text: str, key: Key | None) -> tuple[str, list[list[str]]]:
    """The name of a data frame and its records, one at least and all of the same width.

    Raises:
        Unreadable: when it cannot be opened or divided.
    """
    parts = text.split("|", 3)
    if len(parts) != len(("encrypted", "tr_id", "count", "payload")) or not parts[2].isdigit() or not int(parts[2]):
        raise Unreadable("a data frame has four parts, and one record at least")
    if parts[0] == "1" and key is None:
        raise Unreadable("a sealed frame without a key")
    fields = (_opened(parts[3], key) if key is not None and parts[0] == "1" else parts[3]).split("^")
    count = int(parts[2])
    width, rest = divmod(len(fields), count)
    if rest or not width:
        raise Unreadable(f"{len(fields)} fields are not {count} records")
    return parts[1], [fields[place * width : (place + 1) * width] for place in range(count)]


def _opened(payload: str, key: Key) -> str:
    try:
        decryptor = Cipher(algorithms.AES(key.key), modes.CBC(key.iv)).decryptor()
        padded = decryptor.update(b64decode(payload, validate=True)) + decryptor.finalize()
        unpadder = PKCS7(algorithms.AES.block_size).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except (ValueError, NotBase64) as closed:
        raise Unreadable("a notice that its key does not open") from closed

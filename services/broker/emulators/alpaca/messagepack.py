"""MessagePack, as far as Alpaca's market stream speaks it: what JSON has, and moments.

Source: https://github.com/msgpack/msgpack/blob/master/spec.md; a moment is the extension type -1 of it.
"""

import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

DEPTH_MAX: Final = 8
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIXED: Final = {0xC0: None, 0xC2: False, 0xC3: True}
_FLOATS: Final = {0xCA: ">f", 0xCB: ">d"}
_UNSIGNED: Final = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"}
_SIGNED: Final = {0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
_NUMBERS: Final = _FLOATS | _UNSIGNED | _SIGNED
_TEXTS: Final = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_LISTS: Final = {0xDC: ">H", 0xDD: ">I"}
_MAPS: Final = {0xDE: ">H", 0xDF: ">I"}


def pack(value: Any) -> bytes:
    """Write a value in its shortest form; whole numbers of up to 64 bits, moments to the microsecond.

    Raises:
        TypeError: when it is something else.
    """
    match value:
        case None | bool() | int() | float():
            return _pack_plain(value)
        case str():
            text = value.encode()
            return _head(len(text), 0xA0, 32, _TEXTS) + text
        case datetime():
            return _pack_moment(value)
        case Mapping():
            parts = (pack(each) for pair in value.items() for each in pair)
            return _head(len(value), 0x80, 16, _MAPS) + b"".join(parts)
        case Sequence():
            return _head(len(value), 0x90, 16, _LISTS) + b"".join(pack(each) for each in value)
        case _:
            raise TypeError(f"no MessagePack for {type(value).__name__}")


def _head(size: int, short: int, short_max: int, longer: Mapping[int, str]) -> bytes:
    if size < short_max:
        return bytes([short | size])
    for mark, form in longer.items():
        if size < 1 << 8 * struct.calcsize(form):
            return bytes([mark]) + struct.pack(form, size)
    raise TypeError("longer than MessagePack can say")


def _pack_plain(value: float | None) -> bytes:
    if value is None or isinstance(value, bool):
        return {None: b"\xc0", False: b"\xc2", True: b"\xc3"}[value]
    return _pack_integer(value) if isinstance(value, int) else b"\xcb" + struct.pack(">d", value)


def _pack_integer(value: int) -> bytes:
    if -32 <= value < 128:
        return struct.pack(">b" if value < 0 else ">B", value)
    for mark, form in (_UNSIGNED if value > 0 else _SIGNED).items():
        bits = 8 * struct.calcsize(form)
        if value < 1 << bits if value > 0 else value >= -(1 << bits - 1):
            return bytes([mark]) + struct.pack(form, value)
    raise TypeError("more than 64 bits")


def _pack_moment(value: datetime) -> bytes:
    since = value - _BEGINNING
    seconds, nanoseconds = since // timedelta(seconds=1), value.microsecond * 1_000
    if not nanoseconds and seconds < 1 << 32:
        return b"\xd6\xff" + struct.pack(">I", seconds)
    return b"\xd7\xff" + struct.pack(">Q", nanoseconds << 34 | seconds)


def unpack(data: bytes) -> Any:
    """Read one value; there are no extension types in what clients say.

    Raises:
        ValueError: when it is no MessagePack, more than one value, or nested too deep.
    """
    reader = _Reader(data)
    value = reader.value(0)
    if reader.at != len(data):
        raise ValueError("more than one value")
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def _take(self, size: int) -> bytes:
        self.at += size
        if self.at > len(self._data):
            raise ValueError("half a value")
        return self._data[self.at - size : self.at]

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def value(self, depth: int) -> Any:
        if depth > DEPTH_MAX:
            raise ValueError("nested too deep")
        mark = self._take(1)[0]
        if mark < 0x80 or mark >= 0xE0:
            return mark if mark < 0x80 else mark - 256
        if mark in _FIXED:
            return _FIXED[mark]
        if mark in _NUMBERS:
            return self._number(_NUMBERS[mark])
        if mark >> 5 == 0b101 or mark in _TEXTS:
            return self._take(mark & 31 if mark < 0xC0 else self._number(_TEXTS[mark])).decode()
        if mark >> 4 == 0b1001 or mark in _LISTS:
            size = mark & 15 if mark < 0xC0 else self._number(_LISTS[mark])
            return [self.value(depth + 1) for _ in range(size)]
        if mark >> 4 == 0b1000 or mark in _MAPS:
            size = mark & 15 if mark < 0xC0 else self._number(_MAPS[mark])
            return {self._key(depth): self.value(depth + 1) for _ in range(size)}
        raise ValueError(f"no value begins with {mark:#x}")

    def _key(self, depth: int) -> str:
        key = self.value(depth + 1)
        if not isinstance(key, str):
            raise ValueError("a name that is no text")  # noqa: TRY004 - whoever reads catches one kind
        return key

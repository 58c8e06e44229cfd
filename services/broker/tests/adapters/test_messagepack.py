"""MessagePack of the emulator: the bytes of its specification, and nothing else is taken for it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from emulators.alpaca.messagepack import pack, unpack

AT = datetime(2026, 11, 2, 15, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"compact": True, "schema": 0}, "82a7636f6d70616374c3a6736368656d6100"),
        ([None, False, 127, 128, 65_536, 1 << 32], "96c0c27fcc80ce00010000cf0000000100000000"),
        ([-1, -32, -33, -129, -32_769], "95ffe0d0dfd1ff7fd2ffff7fff"),
        (1.5, "cb3ff8000000000000"),
        ("x" * 32, "d920" + "78" * 32),
        ([0] * 16, "dc0010" + "00" * 16),
        ({str(each): each for each in range(16)}, None),
        ("가" * 100, "da012c" + "eab080" * 100),
    ],
)
def test_what_is_written_are_the_shortest_bytes_and_they_read_the_same(value: Any, written: str | None) -> None:
    packed = pack(value)
    assert written is None or packed.hex() == written
    assert unpack(packed) == value


def test_moments_have_seconds_alone_or_nanoseconds_as_well() -> None:
    assert pack(AT).hex() == "d6ff6a136ef0".replace("6a136ef0", f"{int(AT.timestamp()):08x}")
    half = pack(AT.replace(microsecond=500_000))
    assert half.hex() == f"d7ff{500_000_000 << 34 | int(AT.timestamp()):016x}"


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", b"\x92\x01", b"\x01\x01", b"\x81\x01\x01", b"\x91" * 20, b"\xa1\xff", b"\xdd\xff\xff\xff\xff"],
)
def test_what_is_no_single_value_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has words of its own
        unpack(data)


def test_what_it_cannot_say_is_not_written() -> None:
    with pytest.raises(TypeError):
        pack(1 << 64)
    with pytest.raises(TypeError):
        pack(object())

"""Identifiers: UUID version 7, growing with every call, so that rows made together lie together and in order."""

import secrets
import time
from uuid import UUID

VERSION_7 = 0x7 << 76
VARIANT_RFC = 0b10 << 62
FRACTION_BITS = 12
RANDOM_BITS = 62
NANOSECONDS_PER_MILLISECOND = 1_000_000


class _Ticks:
    """Milliseconds since 1970 with 12 bits of fraction (244 ns), never the same twice in this process."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        milliseconds, rest = divmod(time.time_ns(), NANOSECONDS_PER_MILLISECOND)
        fraction = (rest << FRACTION_BITS) // NANOSECONDS_PER_MILLISECOND
        self._last = max(self._last + 1, milliseconds << FRACTION_BITS | fraction)
        return self._last


_ticks = _Ticks()


def new_id() -> UUID:
    """Return a new UUIDv7, larger than every earlier one of this process (RFC 9562, section 6.2, method 3)."""
    milliseconds, fraction = divmod(_ticks.next(), 1 << FRACTION_BITS)
    random = secrets.randbits(RANDOM_BITS)
    return UUID(int=(milliseconds << 80) | VERSION_7 | (fraction << 64) | VARIANT_RFC | random)

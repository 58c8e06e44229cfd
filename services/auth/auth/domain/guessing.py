"""How often a password may be tried, counted so that a stranger's guesses never keep the owner out.

Four counts stand against guessing. What one account may be tried from one place; what it may be tried in a row from
places it was never used at; what one address may try at all accounts; what all strangers together may try. Whoever
comes from a place where the account was used before has a lane of their own: only its own failures close it.
"""

import hashlib
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=15)
LANE_FAILURES_MAX = 10
"""One account from one place, in a window."""
STREAK = timedelta(days=30)
STREAK_FAILURES_MAX = 100
"""One account in a row: from all strange places together, or from one familiar place."""
ADDRESS_FAILURES_MAX = 100
"""All accounts from one address, in a window."""
PLATFORM_FAILURES_MAX = 5_000
"""All accounts from all strange places, in a window."""
FAMILIAR_FOR = timedelta(days=180)
FAMILIAR_PLACES_MAX = 50
NETWORK_BITS = 64
"""A household or a server owns a whole /64 of IPv6."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody comes from: an address, and the device cookie a browser was given at an earlier log-in."""

    address: str
    device: bytes | None = None
    """The digest of the device's token."""

    @property
    def digests(self) -> tuple[bytes, ...]:
        """What is remembered of this place; any of them makes it familiar."""
        at = _digest("address", network_of(self.address))
        return (at,) if self.device is None else (at, self.device)


@dataclass(frozen=True, slots=True)
class Count:
    """One count that a try must find room in: `until` is when it would end if it began now."""

    key: bytes
    failures_max: int
    until: datetime
    forgiven: bool
    """Whether one success clears it; the others only give back the one try."""


def network_of(address: str) -> str:
    """Return the address as one owner's: IPv6 by its network, anything that is no address as it is."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, NETWORK_BITS), strict=False))
    return str(parsed)


def counts_of(email: str, place: Place, now: datetime, *, familiar: bytes | None) -> Sequence[Count]:
    """Return the counts of a try, in the order in which they are locked.

    Args:
        email: normalised, of an account or of nobody: both are counted alike.
        place: where the try comes from.
        now: the time.
        familiar: the digest of `place` by which the account knows it; None when it does not.
    """
    network = network_of(place.address)
    window, streak = now + WINDOW, now + STREAK
    if familiar is not None:
        counts = [
            Count(_digest("lane", email, familiar.hex()), LANE_FAILURES_MAX, window, forgiven=True),
            Count(_digest("streak", email, familiar.hex()), STREAK_FAILURES_MAX, streak, forgiven=True),
        ]
    else:
        counts = [
            Count(_digest("lane", email, network), LANE_FAILURES_MAX, window, forgiven=True),
            Count(_digest("streak", email), STREAK_FAILURES_MAX, streak, forgiven=True),
            Count(_digest("address", network), ADDRESS_FAILURES_MAX, window, forgiven=False),
            Count(_digest("platform"), PLATFORM_FAILURES_MAX, window, forgiven=False),
        ]
    return sorted(counts, key=lambda count: count.key)


def strangers_streak_of(email: str) -> bytes:
    """Return the key of what strange places have tried in a row: a reset password clears it."""
    return _digest("streak", email)


def _digest(*parts: str) -> bytes:
    """Name something without storing it: also people who have no account here."""
    return hashlib.sha256("\0".join(parts).encode()).digest()

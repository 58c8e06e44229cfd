"""What people prefer: language, quiet hours, digests, and what goes to which channel."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from notification.domain.notice import Language

Choice = Literal["now", "digest", "off"]

ORDER_KINDS = frozenset({"order_filled", "order_denied", "order_rejected", "trading_halted", "alarm"})
"""What happens to orders, a halt and an alarm are told in quiet hours as well: it is why people have channels."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """Of one owner. Quiet hours may run over midnight; both ends are None when there are none."""

    language: Language = "ko"
    """Until one is chosen, that of a new profile (auth): a test holds the two together."""
    time_zone: str = "Asia/Seoul"
    quiet_from: time | None = None
    quiet_to: time | None = None
    digest_at: time = time(18)


@dataclass(frozen=True, slots=True)
class Plan:
    """When a delivery is due, and whether it shares a message with others."""

    due_at: datetime
    digest: bool


def plan(kind: str, choice: Choice, preferences: Preferences, at: datetime) -> Plan | None:
    """Decide when a channel is told of something that happened at a moment; None for never.

    What falls into quiet hours comes together when they end.
    """
    if choice == "off":
        return None
    zone = ZoneInfo(preferences.time_zone)
    if choice == "digest":
        return Plan(_next(preferences.digest_at, zone, at), digest=True)
    start, end = preferences.quiet_from, preferences.quiet_to
    if kind in ORDER_KINDS or start is None or end is None or not _within(at.astimezone(zone).time(), start, end):
        return Plan(at, digest=False)
    return Plan(_next(end, zone, at), digest=True)


def _within(moment: time, start: time, end: time) -> bool:
    return start <= moment < end if start <= end else moment >= start or moment < end


def _next(moment: time, zone: ZoneInfo, after: datetime) -> datetime:
    """The next time the clock there shows this, later than a moment; a clock that skips it shows it an hour later."""
    local = after.astimezone(zone)
    for days in (0, 1, 2):
        day = local.date() + timedelta(days=days)
        found = datetime.combine(day, moment, zone).astimezone(UTC)
        if found > after:
            return found
    raise AssertionError("every clock shows every time within two days")

"""The bars that rules are judged on: how long they are, and with which minute they end."""

from datetime import datetime, timedelta
from typing import Final, Literal

Interval = Literal["1m", "5m", "15m", "1h", "1d"]

LENGTHS: Final[dict[Interval, timedelta]] = {
    "1m": timedelta(minutes=1),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
LONGER: Final[tuple[Interval, ...]] = ("5m", "15m", "1h")
"""What closes with the last of its minutes; a day closes by itself."""


def closed_by(interval: Interval, minute: datetime) -> datetime | None:
    """When the longer bar began that ends together with the minute beginning at `minute`; None when none does."""
    length = LENGTHS[interval]
    ends = minute + LENGTHS["1m"]
    return ends - length if int(ends.timestamp()) % int(length.total_seconds()) == 0 else None


def closed_with(interval: Interval, start: datetime) -> dict[Interval, datetime]:
    """When each bar began that ends together with this one, itself included."""
    longer = {each: closed_by(each, start) for each in LONGER} if interval == "1m" else {}
    return {interval: start} | {each: began for each, began in longer.items() if began is not None}

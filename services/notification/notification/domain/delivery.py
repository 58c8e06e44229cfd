"""Deliveries: when one is tried again, and when it is given up."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NewType
from uuid import UUID

from notification.domain.channel import ChannelId
from notification.domain.owner import OwnerId

DeliveryId = NewType("DeliveryId", UUID)
DeliveryStatus = Literal["waiting", "sent", "dead", "dropped"]

PAUSES = tuple(timedelta(seconds=each) for each in (5, 15, 60, 300, 900, 3_600, 7_200))
"""How long to wait after the first, second, … try that failed."""
AGE_MAX = timedelta(hours=6)
"""What could not be delivered for so long is given up at its next failure: nobody wants yesterday's alarm."""
PAUSE_MAX = timedelta(hours=1)
"""A receiver may ask for a longer pause than ours, but not for more than this."""
HOURLY_MAX = 300
"""Deliveries of one owner in an hour; what is more is dropped, and the log says so."""
DIGEST_MAX = 50
"""Entries of one digest; the rest come with the next message."""
TOO_MANY = f"more than {HOURLY_MAX} deliveries in an hour"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A notice on its way to one channel. `digest`: it may share a message with others of its channel."""

    id: DeliveryId
    owner: OwnerId
    channel: ChannelId
    kind: str
    title: str
    body: str
    data: Mapping[str, Any]
    status: DeliveryStatus
    digest: bool
    tries: int
    error: str | None
    created_at: datetime
    due_at: datetime
    settled_at: datetime | None


def pause_after(delivery: Delivery, now: datetime, asked: timedelta | None = None) -> timedelta | None:
    """Decide how long to wait after one more failure; None when it is given up.

    Args:
        delivery: as it was before this try; its `tries` do not count it.
        now: the moment of the failure.
        asked: how long the receiver wants to be left alone, if it said so.
    """
    if delivery.tries >= len(PAUSES) or now - delivery.created_at >= AGE_MAX:
        return None
    return max(PAUSES[delivery.tries], min(asked or timedelta(0), PAUSE_MAX))

"""Price alerts: when one triggers, and when one that repeats is ready again."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, NewType
from uuid import UUID

from notification.domain.notice import Notice, grouped
from notification.domain.owner import OwnerId

AlertId = NewType("AlertId", UUID)
Condition = Literal["price_above", "price_below"]
Status = Literal["active", "resting", "triggered", "expired"]

ALERTS_MAX = 200
"""Alerts of one owner, done ones included: delete some to make room."""
REST = timedelta(minutes=5)
"""A repeating alert waits at least this long, and for the price to return: a price on the edge is one notice."""
PRESENT_MAX = timedelta(minutes=15)
"""A quote older than this is no present price: an alert made while the market sleeps waits for the next quote."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A wish to be told. `resting`: it repeats, has triggered, and waits for the price to return."""

    id: AlertId
    owner: OwnerId
    symbol: str
    condition: Condition
    value: Decimal
    repeat: bool
    status: Status
    expires_at: datetime | None
    created_at: datetime
    triggered_at: datetime | None
    triggered_price: Decimal | None


class Step(enum.Enum):
    """What a price means for an alert."""

    TRIGGER = "tell the owner"
    REARM = "make it active again"
    NOTHING = "go on watching"


def step(alert: Alert, price: Decimal, now: datetime) -> Step:
    """Decide what a price means for an alert; the value itself counts as reached."""
    if alert.expires_at is not None and alert.expires_at <= now:
        return Step.NOTHING
    met = price >= alert.value if alert.condition == "price_above" else price <= alert.value
    if alert.status == "active" and met:
        return Step.TRIGGER
    rested = alert.triggered_at is not None and now - alert.triggered_at >= REST
    if alert.status == "resting" and not met and rested:
        return Step.REARM
    return Step.NOTHING


def notice_of(alert: Alert, price: Decimal) -> Notice:
    """Tell that an alert has triggered."""
    side = "at or above" if alert.condition == "price_above" else "at or below"
    data = {"alert_id": str(alert.id), "symbol": alert.symbol, "condition": alert.condition}
    title, body = f"{alert.symbol} is at {grouped(price)}", f"You asked to be told {side} {grouped(alert.value)}."
    return Notice("alert_triggered", title, body, {**data, "price": f"{price.normalize():f}"})

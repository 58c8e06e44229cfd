"""Alerts on price, change and volume: when one triggers, and when one that repeats is ready again."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, NewType
from uuid import UUID

from notification.domain.notice import Notice, Words, grouped
from notification.domain.owner import OwnerId

AlertId = NewType("AlertId", UUID)
Condition = Literal["price_above", "price_below", "change_above", "change_below", "volume_above"]
Status = Literal["active", "resting", "triggered", "expired"]

ALERTS_MAX = 200
"""Alerts of one owner, done ones included: delete some to make room."""
REST = timedelta(minutes=5)
"""A repeating alert waits this long if its owner said nothing, and for the price to return: an edge is one notice."""
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
    pause_seconds: int = int(REST.total_seconds())


@dataclass(frozen=True, slots=True)
class Seen:
    """What a quote says: the last price, the change since yesterday's close in percent, and the day's volume.

    What the quote does not say is None, and meets no condition.
    """

    price: Decimal
    change_percent: Decimal | None = None
    volume: int | None = None


class Step(enum.Enum):
    """What a price means for an alert."""

    TRIGGER = "tell the owner"
    REARM = "make it active again"
    NOTHING = "go on watching"


def step(alert: Alert, seen: Seen, now: datetime) -> Step:
    """Decide what a quote means for an alert; the value itself counts as reached."""
    if alert.expires_at is not None and alert.expires_at <= now:
        return Step.NOTHING
    reached = is_met(alert, seen)
    if alert.status == "active" and reached:
        return Step.TRIGGER
    pause = timedelta(seconds=alert.pause_seconds)
    rested = alert.triggered_at is not None and now - alert.triggered_at >= pause
    if alert.status == "resting" and not reached and rested:
        return Step.REARM
    return Step.NOTHING


def is_met(alert: Alert, seen: Seen) -> bool:
    """Tell whether a quote meets the condition."""
    figure = _figure(alert.condition, seen)
    if figure is None:
        return False
    return figure <= alert.value if alert.condition.endswith("_below") else figure >= alert.value


def _figure(condition: Condition, seen: Seen) -> Decimal | None:
    if condition.startswith("price"):
        return seen.price
    if condition.startswith("change"):
        return seen.change_percent
    return None if seen.volume is None else Decimal(seen.volume)


def notice_of(alert: Alert, seen: Seen) -> Notice:
    """Tell that an alert has triggered."""
    data = {"alert_id": str(alert.id), "symbol": alert.symbol, "condition": alert.condition}
    data["price"] = f"{seen.price.normalize():f}"
    value, price = grouped(alert.value), grouped(seen.price)
    side, side_ko = ("at or below", "이하") if alert.condition.endswith("_below") else ("at or above", "이상")
    if alert.condition.startswith("price"):
        title, title_ko, what, what_ko = f"is at {price}", f"현재가 {price}", "", ""
    elif alert.condition.startswith("change"):
        change = f"{seen.change_percent or Decimal(0):+,.2f}%"
        title, title_ko = f"has changed by {change}, to {price}", f"등락률 {change}, 현재가 {price}"
        value, what, what_ko = f"{value}%", "of a change ", "등락률 "
    else:
        volume = grouped(Decimal(seen.volume or 0))
        title, title_ko = f"has traded {volume} shares, at {price}", f"거래량 {volume}주, 현재가 {price}"
        what, what_ko = "of a volume ", "거래량 "
    korean = Words(f"{alert.symbol} {title_ko}", f"설정한 조건: {what_ko}{value} {side_ko}.")
    body = f"You asked to be told {what}{side} {value}."
    return Notice("alert_triggered", f"{alert.symbol} {title}", body, data, korean)

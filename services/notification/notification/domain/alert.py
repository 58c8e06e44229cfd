"""Alerts on price, change, volume and rules: when one triggers, and when one that repeats is ready again."""

import enum
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, NewType
from uuid import UUID

from quant.markets.intervals import Interval

from notification.domain.notice import Notice, Words, grouped
from notification.domain.owner import OwnerId

AlertId = NewType("AlertId", UUID)
Condition = Literal["price_above", "price_below", "change_above", "change_below", "volume_above", "rule"]
Status = Literal["active", "resting", "triggered", "expired"]

ALERTS_MAX = 200
"""Alerts of one owner, done ones included: delete some to make room."""
REST = timedelta(minutes=5)
"""A repeating alert waits this long if its owner said nothing, and for the price to return: an edge is one notice."""
PRESENT_MAX = timedelta(minutes=15)
"""A quote older than this is no present price: an alert made while the market sleeps waits for the next quote."""

PLACES = 4
"""So many digits after the point of the numbers that a rule read are told."""
BARS: dict[Interval, tuple[str, str]] = {
    "1m": ("bars of a minute", "1분봉"),
    "5m": ("bars of 5 minutes", "5분봉"),
    "15m": ("bars of 15 minutes", "15분봉"),
    "1h": ("bars of an hour", "1시간봉"),
    "1d": ("daily bars", "일봉"),
}


@dataclass(frozen=True, slots=True)
class Alert:
    """A wish to be told. `resting`: it repeats, has triggered, and waits for the price to return.

    One on a rule waits for the rule to hold on a closed bar of its interval; its value is 0 and says nothing.
    """

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
    rule: str | None = None
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """What a quote says: the last price, the change since yesterday's close in percent, and the day's volume.

    Or what a closed bar says: its close, whether the rule holds, and the numbers that the rule read, as they are
    written. What is not said is None, and meets no condition.
    """

    price: Decimal
    change_percent: Decimal | None = None
    volume: int | None = None
    holds: bool | None = None
    readings: tuple[tuple[str, str], ...] = ()


class Step(enum.Enum):
    """What a price means for an alert."""

    TRIGGER = "tell the owner"
    REARM = "make it active again"
    NOTHING = "go on watching"


@dataclass(frozen=True, slots=True)
class Decided:
    """What a quote, or a closed bar, meant for an alert, not done yet; `told_id` becomes the notice's id."""

    alert: Alert
    seen: Seen
    step: Step
    told_id: UUID


def step(alert: Alert, seen: Seen, now: datetime) -> Step:
    """Decide what a quote means for an alert; the value itself counts as reached."""
    if is_expired(alert, now):
        return Step.NOTHING
    reached = is_met(alert, seen)
    if alert.status == "active" and reached:
        return Step.TRIGGER
    pause = timedelta(seconds=alert.pause_seconds)
    rested = alert.triggered_at is not None and now - alert.triggered_at >= pause
    if alert.status == "resting" and not reached and rested:
        return Step.REARM
    return Step.NOTHING


def then(alert: Alert, decided: Decided, now: datetime) -> Alert | None:
    """Return the alert after what was decided; None when that is no longer for us to do, however it stands."""
    if decided.step is Step.TRIGGER and alert.status == "active" and not is_expired(alert, now):
        after: Status = "resting" if alert.repeat else "triggered"
        return replace(alert, status=after, triggered_at=now, triggered_price=decided.seen.price)
    if decided.step is Step.REARM and alert.status == "resting":
        return replace(alert, status="active")
    return None


def is_expired(alert: Alert, now: datetime) -> bool:
    """Tell whether the time is over in which an alert was wanted."""
    return alert.expires_at is not None and alert.expires_at <= now


def is_waiting(alert: Alert, now: datetime) -> bool:
    """Tell whether a quote may still mean something for an alert."""
    return alert.status in {"active", "resting"} and not is_expired(alert, now)


def is_met(alert: Alert, seen: Seen) -> bool:
    """Tell whether a quote, or a closed bar, meets the condition."""
    if alert.condition == "rule":
        return seen.holds is True
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
    if alert.rule is not None:
        return _notice_of_rule(alert, alert.rule, seen, data)
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


def _notice_of_rule(alert: Alert, rule: str, seen: Seen, data: dict[str, str]) -> Notice:
    price = grouped(seen.price)
    known = [(text, Decimal(written)) for text, written in seen.readings]
    read = [f"{text} {grouped(round(number, PLACES))}" for text, number in known if number.is_finite()]
    seen_there = f" ({', '.join(read)})" if read else ""
    bars, bars_ko = BARS[alert.interval or "1d"]
    korean = Words(f"{alert.symbol} 규칙 성립, 종가 {price}", f"{bars_ko} 규칙: {rule}{seen_there}.")
    body = f"On {bars} this holds: {rule}{seen_there}."
    return Notice("alert_triggered", f"{alert.symbol} meets your rule, at {price}", body, data, korean)

"""A hook: an address with a secret, by which a charting program says what an automation should do."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NewType
from uuid import UUID

from quant.markets.calendar import is_session, session_hours
from quant.markets.listing import Market, Side
from quant.markets.symbols import normalise

from trading.domain.automation import AutomationId
from trading.domain.day import ZONES

HookId = NewType("HookId", UUID)

TELL_AGAIN_AFTER: Final = timedelta(hours=1)
"""Trouble with a hook is told this often at most."""

ACTIONS: Final[Mapping[str, Side]] = {
    "buy": "buy",
    "long": "buy",
    "매수": "buy",
    "sell": "sell",
    "close": "sell",
    "exit": "sell",
    "flat": "sell",
    "매도": "sell",
}
FIELDS: Final[Mapping[str, str]] = {
    "action": "action",
    "side": "action",
    "trdeTp": "action",
    "ticker": "symbol",
    "symbol": "symbol",
    "stk_cd": "symbol",
    "price": "price",
    "close": "price",
    "alert_id": "alert_id",
    "id": "alert_id",
    "time": "time",
    "timenow": "time",
    "interval": "interval",
    "exchange": "exchange",
    "dmstStexTp": "exchange",
    "market_position": "market_position",
    "comment": "comment",
}
"""What a payload may name, in the words of charting programs and of Korean brokers, and what it means here."""

PRESETS: Final[Mapping[str, Mapping[str, str]]] = {
    "strategy": {
        "secret": "…",
        "action": "{{strategy.order.action}}",
        "ticker": "{{exchange}}:{{ticker}}",
        "price": "{{close}}",
        "market_position": "{{strategy.market_position}}",
        "alert_id": "{{strategy.order.id}}-{{timenow}}",
        "time": "{{timenow}}",
    },
    "indicator": {
        "secret": "…",
        "action": "buy",
        "ticker": "{{exchange}}:{{ticker}}",
        "price": "{{close}}",
        "time": "{{timenow}}",
    },
    "korean": {
        "secret": "…",
        "trdeTp": "매수",
        "stk_cd": "{{ticker}}",
        "dmstStexTp": "KRX",
        "price": "{{close}}",
        "time": "{{timenow}}",
    },
}
"""Messages to paste into an alert; what stands in double braces is filled in by the charting program."""


class Unreadable(Exception):
    """An alert that cannot be acted on; says why, for its owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A hook of an automation. `expected_every_minutes`: how long it may be silent while its market is open."""

    id: HookId
    automation_id: AutomationId
    name: str
    secret_digest: str
    expected_every_minutes: int | None
    created_at: datetime
    heard_at: datetime | None = None
    told_at: datetime | None = None

    def may_tell(self, at: datetime) -> bool:
        """Whether trouble with it was last told long enough ago."""
        return self.told_at is None or at - self.told_at >= TELL_AGAIN_AFTER


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What an alert asks for."""

    symbol: str
    side: Side
    price: Decimal | None


def digest_of(secret: str) -> str:
    """What is stored of a secret: 256 random bits need no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def key_of(payload: Mapping[str, Any]) -> str:
    """By what an alert is known: its own id where it has one, else everything it says."""
    for name in ("alert_id", "id"):
        if payload.get(name) not in {None, ""}:
            return hashlib.sha256(f"id:{payload[name]}".encode()).hexdigest()
    return hashlib.sha256(json.dumps(payload, sort_keys=True, default=str).encode()).hexdigest()


def unknown_in(payload: Mapping[str, Any]) -> list[str]:
    """The fields of an alert that mean nothing here."""
    return sorted(name for name in payload if name not in FIELDS)


def named_in(payload: Mapping[str, Any]) -> str | None:
    """The symbol an alert is about, if it names one that can be."""
    for name, meaning in FIELDS.items():
        if meaning == "symbol" and payload.get(name):
            try:
                return normalise(str(payload[name]).strip()).code
            except ValueError:
                return None
    return None


def read_alert(payload: Mapping[str, Any], market: Market) -> Alert:
    """Read an alert in whichever words it is written.

    Raises:
        Unreadable: with a sentence for its owner.
    """
    said = {FIELDS[name]: str(value).strip() for name, value in payload.items() if name in FIELDS}
    for name, value in said.items():
        if "{{" in value:
            raise Unreadable(f"{name} is {value!r}: the charting program has not filled it in")
    action = ACTIONS.get(said.get("action", "").lower())
    if said.get("market_position", "").lower() == "flat":
        action = "sell"
    if action is None:
        raise Unreadable(f"action is {said.get('action')!r}: write one of {', '.join(ACTIONS)}")
    if not said.get("symbol"):
        raise Unreadable("there is no ticker: write {{ticker}} into the message")
    try:
        listing = normalise(said["symbol"])
    except ValueError as unknown:
        raise Unreadable(f"ticker is {said['symbol']!r}: {unknown}") from unknown
    if listing.market != market:
        raise Unreadable(f"{listing.code} trades at {listing.market}, and the automation at {market}")
    return Alert(symbol=listing.code, side=action, price=_price(said.get("price")))


def is_overdue(hook: Hook, market: Market, now: datetime) -> bool:
    """Whether a hook should have been heard by now: only the time in which its market is open counts."""
    if hook.expected_every_minutes is None:
        return False
    day = now.astimezone(ZONES[market]).date()
    if not is_session(market, day):
        return False
    hours = session_hours(market, day)
    since = max(hook.heard_at or hook.created_at, hours.open)
    return hours.contains(now) and now - since > timedelta(minutes=hook.expected_every_minutes)


def _price(text: str | None) -> Decimal | None:
    if not text:
        return None
    try:
        price = Decimal(text)
    except InvalidOperation:
        return None
    return price if price.is_finite() and price > 0 else None

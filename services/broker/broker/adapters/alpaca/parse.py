"""Alpaca's payloads in our words; pure, and tolerant of whatever is added to them.

Codes and texts are matched together with the family of the HTTP status, since sources disagree about single codes. A
body that cannot be read, and every status that is not on the list, says nothing about the order.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from kit.json import loads
from quant.fees import Trade, fees_for, settlement_date
from quant.markets.calendar import NEW_YORK, session_on_or_after
from quant.markets.listing import Side

from broker.adapters.balance import Balance, BuyingPower, Holding
from broker.adapters.daylist import No
from broker.adapters.line import KeyRefused
from broker.adapters.port import RateLimited, Unreachable
from broker.domain.order import Execution

NOT_UNIQUE: Final = "duplicate_key"
_DEFINITE: Final = frozenset(
    {(400, 40010000), (400, 40010001), (403, 40310000), (403, 40310100), (404, 40410000), (422, 42210000)}
    | {(422, 40010001)}
)
_WORDS: Final = (
    ("client_order_id must be unique", NOT_UNIQUE),
    ("insufficient buying power", "insufficient_cash"),
    ("insufficient qty", "insufficient_shares"),
    ("sub-penny", "price_off_tick"),
    ("asset", "unknown_symbol"),
    ("market is closed", "market_closed"),
)
_FRACTION: Final = re.compile(r"(\.[0-9]{6})[0-9]+")


@dataclass(frozen=True, slots=True)
class AlpacaOrder:
    """One order of Alpaca's; a replacement is an order of its own, that names the one before it."""

    id: str
    client_order_id: str
    created_at: datetime
    submitted_at: str
    status: str
    symbol: str
    side: Side
    quantity: Decimal
    filled: Decimal
    average_price: Decimal
    limit_price: Decimal | None
    replaced_by: str | None
    replaces: str | None


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution, from the list of activities."""

    id: str
    order_id: str
    quantity: Decimal
    price: Decimal
    at: datetime


def read(status: int, text: str) -> Any | No:
    """The body of an answer, or Alpaca's refusal.

    Raises:
        RateLimited, KeyRefused: when the gate turned the call away.
        Unreachable: when the answer says nothing certain.
    """
    if status == 204:
        return {}
    try:
        body = loads(text)
    except ValueError:
        raise Unreachable(f"Alpaca answered {status} with something that is no answer") from None
    if status in {200, 207}:
        return body
    said = str(body.get("message", "")) if isinstance(body, dict) else ""
    code = body.get("code") if isinstance(body, dict) else None
    if status == 429:
        raise RateLimited(f"Alpaca: {said} ({code})")
    if status == 401:
        raise KeyRefused(f"Alpaca does not take this key: {said}")
    if (status, code) not in _DEFINITE:
        raise Unreachable(f"Alpaca answered {status}: {said} ({code})")
    reason = next((reason for word, reason in _WORDS if word in said.lower()), "rejected_by_broker")
    return No(reason, f"{said} ({code})")


def moment(text: str) -> datetime:
    """A time with up to nine digits of fractions."""
    return datetime.fromisoformat(_FRACTION.sub(r"\1", text))


def order(body: Mapping[str, Any]) -> AlpacaOrder:
    """An order; Unreachable when it cannot be read."""
    try:
        limit = body.get("limit_price")
        return AlpacaOrder(
            id=str(body["id"]),
            client_order_id=str(body["client_order_id"]),
            created_at=moment(body["created_at"]),
            submitted_at=str(body.get("submitted_at") or body["created_at"]),
            status=str(body["status"]),
            symbol=str(body["symbol"]),
            side={"buy": "buy", "sell": "sell"}[body["side"]],  # type: ignore[arg-type]  # the two words of Side
            quantity=Decimal(body["qty"]),
            filled=Decimal(body["filled_qty"]),
            average_price=Decimal(body.get("filled_avg_price") or 0),
            limit_price=None if limit is None else Decimal(limit),
            replaced_by=body.get("replaced_by"),
            replaces=body.get("replaces"),
        )
    except (KeyError, ValueError, TypeError, InvalidOperation) as unreadable:
        raise Unreachable("Alpaca's order cannot be read") from unreadable


def fills(body: Sequence[Mapping[str, Any]]) -> list[Fill]:
    """A page of activities."""
    try:
        return [
            Fill(
                id=str(row["id"]),
                order_id=str(row["order_id"]),
                quantity=Decimal(row["qty"]),
                price=Decimal(row["price"]),
                at=moment(row["transaction_time"]),
            )
            for row in body
        ]
    except (KeyError, ValueError, TypeError, InvalidOperation) as unreadable:
        raise Unreachable("Alpaca's activities cannot be read") from unreadable


def execution(side: Side, fill: Fill) -> Execution:
    """A fill in our words. Fees are what the schedule says, for stock and fund alike: Alpaca books them by the day."""
    day = session_on_or_after("US", fill.at.astimezone(NEW_YORK).date())
    costs = fees_for(Trade("US", "US", "stock", side, fill.quantity, fill.price, day))
    return Execution(
        execution_id=f"alpaca:{fill.id}",
        quantity=fill.quantity,
        price=fill.price,
        fee=costs.fee,
        tax=costs.taxes,
        trade_date=day,
        settlement_date=settlement_date("US", day),
        executed_at=fill.at,
    )


def balance(account: Mapping[str, Any], positions: Sequence[Mapping[str, Any]]) -> Balance:
    """Cash and holdings."""
    try:
        cash = Decimal(account["cash"])
        held = tuple(
            Holding(str(row["symbol"]), Decimal(row["qty"]), Decimal(row["avg_entry_price"])) for row in positions
        )
    except (KeyError, ValueError, TypeError, InvalidOperation) as unreadable:
        raise Unreachable("Alpaca's account cannot be read") from unreadable
    return Balance(cash, cash, cash, held, "USD", str(account.get("account_number", "")))


def buying_power(account: Mapping[str, Any], price: Decimal) -> BuyingPower:
    """What may be spent without margin, and the whole shares that it buys."""
    try:
        amount = Decimal(account["non_marginable_buying_power"])
    except (KeyError, TypeError, InvalidOperation) as unreadable:
        raise Unreachable("Alpaca's account cannot be read") from unreadable
    return BuyingPower(amount, amount // price)

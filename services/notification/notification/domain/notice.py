"""Notices: what happened, in a title and a sentence; English for now."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

NoticeKind = Literal["order_filled", "order_denied", "order_rejected", "run_finished", "alert_triggered"]

TITLE_LENGTH_MAX = 200
BODY_LENGTH_MAX = 1_000

REASONS = {
    "insufficient_cash": "There is not enough cash for it.",
    "insufficient_shares": "You do not hold that many shares.",
    "price_off_tick": "The price is not on the exchange's grid.",
    "price_outside_band": "The price is beyond today's limits.",
    "market_closed": "The market is closed.",
    "stale_quote": "The last known price is too old to judge by.",
    "live_not_permitted": "This account may not trade with real money.",
    "duplicate_order": "The same order was placed a moment ago.",
    "fat_finger_value": "Its value is larger than your limit.",
    "fat_finger_quantity": "Its quantity is larger than your limit.",
    "price_too_far": "The price is too far from the last one.",
    "trading_halted": "Trading is halted.",
}
"""The reasons people meet most; any other is shown as its code."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What one person reads. `data` names the things it is about, for links."""

    kind: NoticeKind
    title: str
    body: str
    data: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title[:TITLE_LENGTH_MAX])
        object.__setattr__(self, "body", self.body[:BODY_LENGTH_MAX])


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """What a notice tells of an order."""

    order_id: str
    account_id: str
    symbol: str
    side: str
    quantity: Decimal
    currency: str
    average_price: Decimal | None
    fee: Decimal
    tax: Decimal
    reason: str | None

    @property
    def links(self) -> dict[str, str]:
        """What the notice points to."""
        return {"order_id": self.order_id, "account_id": self.account_id, "symbol": self.symbol}


def of_fill(order: OrderSeen) -> Notice:
    """Tell that an order is done."""
    verb = "Bought" if order.side == "buy" else "Sold"
    price = "" if order.average_price is None else f" at {grouped(order.average_price)} {order.currency}"
    body = f"Fee {grouped(order.fee)}, tax {grouped(order.tax)} {order.currency}."
    return Notice("order_filled", f"{verb} {grouped(order.quantity)} {order.symbol}{price}", body, order.links)


def of_denial(order: OrderSeen) -> Notice:
    """Tell that we did not let an order through."""
    return Notice("order_denied", f"Order denied: {_wish(order)}", _because(order.reason), order.links)


def of_rejection(order: OrderSeen) -> Notice:
    """Tell that the broker or the exchange refused an order."""
    return Notice("order_rejected", f"Order rejected: {_wish(order)}", _because(order.reason), order.links)


def of_run(run_id: str, kind: str, status: str) -> Notice:
    """Tell that a computation has ended, well or not."""
    name = kind.replace("_", " ").capitalize()
    outcome = "is done" if status == "done" else f"ended: {status.replace('_', ' ')}"
    return Notice("run_finished", f"{name} {outcome}", "", {"run_id": run_id, "kind": kind, "status": status})


def grouped(number: Decimal) -> str:
    """Write a number for people: 1,234,500 and 0.25."""
    text = format(number, ",f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _wish(order: OrderSeen) -> str:
    return f"{order.side} {grouped(order.quantity)} {order.symbol}"


def _because(reason: str | None) -> str:
    if reason is None:
        return "No reason was given."
    return REASONS.get(reason) or f"Reason: {reason.replace('_', ' ')}."

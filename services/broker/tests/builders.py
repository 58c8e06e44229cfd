"""Orders and messages to broker, valid unless a test says otherwise."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from broker.domain.order import AccountId, OrderId, OrderIntent, OwnerId
from kit.clock import now
from kit.events import Envelope
from kit.ids import new_id
from kit.money import decimal_text


def a_symbol() -> str:
    """A code of the Korean kind that no other test uses: the tests share one Redis."""
    return f"9{uuid4().hex[:5].upper()}"


def an_order(symbol: str, **changes: Any) -> OrderIntent:
    """A market buy of ten shares on a paper account."""
    values = {
        "order_id": OrderId(new_id()),
        "owner": OwnerId(new_id()),
        "account_id": AccountId(new_id()),
        "account_kind": "paper",
        "symbol": symbol,
        "market": "KRX",
        "board": "KOSPI",
        "kind": "stock",
        "side": "buy",
        "order_type": "limit" if changes.get("limit_price") else "market",
        "time_in_force": "day",
        "quantity": "10",
        "limit_price": None,
    } | changes
    values["quantity"] = Decimal(values["quantity"])
    values["limit_price"] = None if values["limit_price"] is None else Decimal(values["limit_price"])
    return OrderIntent(**values)


def a_message(event_type: str, order: OrderIntent, data: dict[str, Any]) -> Envelope:
    """An event as it travels."""
    return Envelope(
        id=new_id(),
        type=event_type,
        source="trading",
        time=now(),
        subject=str(order.order_id),
        owner=order.owner,
        correlation_id=new_id(),
        causation_id=None,
        version=1,
        data=data,
    )


def submitted(order: OrderIntent) -> Envelope:
    """Trading asks to send an order."""
    data = {
        "order_id": str(order.order_id),
        "account_id": str(order.account_id),
        "account_kind": order.account_kind,
        "client_order_id": "mine",
        "symbol": order.symbol,
        "market": order.market,
        "board": order.board,
        "kind": order.kind,
        "venue": order.venue,
        "currency": "KRW",
        "side": order.side,
        "order_type": order.order_type,
        "quantity": decimal_text(order.quantity),
        "limit_price": None if order.limit_price is None else decimal_text(order.limit_price),
        "time_in_force": order.time_in_force,
        "broker": order.broker,
        "connection_id": None if order.connection_id is None else str(order.connection_id),
    }
    return a_message("trading.order.submitted.v1", order, data)


def cancel_requested(order: OrderIntent) -> Envelope:
    """Trading asks to cancel an order."""
    return a_message("trading.order.cancel_requested.v1", order, submitted(order).data)


def replace_requested(order: OrderIntent, quantity: str, limit_price: str | None) -> Envelope:
    """Trading asks to change an order."""
    data = {
        "order_id": str(order.order_id),
        "account_id": str(order.account_id),
        "replace_id": str(new_id()),
        "quantity": quantity,
        "limit_price": limit_price,
    }
    return a_message("trading.order.replace_requested.v1", order, data)

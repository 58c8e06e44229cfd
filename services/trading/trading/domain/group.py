"""Orders that belong together: exits that follow a buy, and two exits of which one cancels the other.

Shares can be promised once. So of a take profit and a stop loss the limit order is at the broker and holds the shares,
while the stop waits with us and holds nothing. When its price comes, the limit order is canceled first, and only the
broker's confirmation sends the stop, for what is left. So it is with two buys and their cash: the limit order holds
what the dearer of the two may cost, and what its cancel sets free is held for the stop in the same transaction.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid5

from trading.domain.order import NO_REPLACEMENT, ZERO, Happening, Order, Status
from trading.domain.replacement import needed_hold
from trading.domain.request import OrderId, OrderType, TimeInForce

WAITS: Final[frozenset[TimeInForce]] = frozenset({"day", "gtc"})


def is_bracket(order: Order) -> bool:
    """Whether an order is followed by exits."""
    return order.side == "buy" and (order.take_profit_price is not None or order.stop_loss_price is not None)


def leads_on(order: Order) -> bool:
    """Whether an order has come to an end that means something for others: its exits, or its partner."""
    return not order.is_open and (order.group_id is not None or (is_bracket(order) and order.filled_quantity > ZERO))


def take_profit_of(parent: Order, quantity: Decimal, at: datetime) -> Order | None:
    """The limit sale that follows a buy; its prices were checked with its parent's."""
    if parent.take_profit_price is None:
        return None
    child = _leg(parent, "take_profit", "limit", quantity, at)
    group = parent.id if parent.stop_loss_price is not None else None
    return replace(child, status=Status.SUBMITTED, limit_price=parent.take_profit_price, group_id=group)


def partner_of(order: Order, at: datetime) -> Order | None:
    """The stop that waits at the side of a limit order; None when it has none."""
    if order.side == "sell":
        return stop_loss_of(order, order.quantity, at)
    return _other_entry_of(order, at)


def _other_entry_of(parent: Order, at: datetime) -> Order | None:
    if parent.oco_stop_price is None:
        return None
    order_type: OrderType = "stop" if parent.oco_stop_limit_price is None else "stop_limit"
    return replace(
        _leg(parent, "oco_stop", order_type, parent.quantity, at),
        side="buy",
        status=Status.HELD,
        stop_price=parent.oco_stop_price,
        limit_price=parent.oco_stop_limit_price,
        reserve_price=parent.reserve_price,
        group_id=parent.id,
        held=ZERO,
    )


def stop_loss_of(parent: Order, quantity: Decimal, at: datetime) -> Order | None:
    """The stop at the side of a limit sale, or of a buy's other exit; alone it holds the shares itself."""
    if parent.stop_loss_price is None:
        return None
    order_type: OrderType = "stop" if parent.stop_loss_limit_price is None else "stop_limit"
    child = replace(
        _leg(parent, "stop_loss", order_type, quantity, at),
        status=Status.HELD,
        stop_price=parent.stop_loss_price,
        limit_price=parent.stop_loss_limit_price,
    )
    paired = parent.side == "sell" or parent.take_profit_price is not None
    return replace(child, group_id=parent.id, held=ZERO) if paired else child


def takes_over(stop: Order, quantity: Decimal, at: datetime) -> Order:
    """The stop that goes to the broker in the other's place, for what that one left, and what it has to hold now."""
    status = stop.next_status(Happening.TRIGGERED)
    held = needed_hold(stop, quantity, stop.reserve_price)
    return replace(stop, status=status, quantity=quantity, held=held, updated_at=at)


def _leg(parent: Order, name: str, order_type: OrderType, quantity: Decimal, at: datetime) -> Order:
    """All have ids made of the parent's, so that they are made once."""
    identifier = OrderId(uuid5(UUID(int=parent.id.int), name))
    return replace(
        parent,
        id=identifier,
        client_order_id=str(identifier),
        side="sell",
        order_type=order_type,
        quantity=quantity,
        limit_price=None,
        stop_price=None,
        time_in_force=parent.time_in_force if parent.time_in_force in WAITS else "day",
        trail_amount=None,
        trail_percent=None,
        take_profit_price=None,
        stop_loss_price=None,
        stop_loss_limit_price=None,
        oco_stop_price=None,
        oco_stop_limit_price=None,
        filled_quantity=ZERO,
        filled_value=ZERO,
        fee=ZERO,
        tax=ZERO,
        reserve_price=None,
        held=quantity,
        reason=None,
        detail=None,
        created_at=at,
        updated_at=at,
        group_id=None,
        watched_price=None,
        triggered_at=None,
        original_quantity=None,
        original_limit_price=None,
        original_stop_price=None,
        **NO_REPLACEMENT,
    )

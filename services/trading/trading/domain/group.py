"""Orders that belong together: exits that follow a buy, and two exits of which one cancels the other.

Shares can be promised once. So of a take profit and a stop loss the limit order is at the broker and holds the shares,
while the stop waits with us and holds nothing. When its price comes, the limit order is canceled first, and only the
broker's confirmation sends the stop, for what is left.
"""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID, uuid5

from trading.domain.order import NO_REPLACEMENT, ZERO, Happening, Order, Status
from trading.domain.request import OrderId, OrderType, TimeInForce

WAITS: Final[frozenset[TimeInForce]] = frozenset({"day", "gtc"})


def is_bracket(order: Order) -> bool:
    """Whether an order is followed by exits."""
    return order.side == "buy" and (order.take_profit_price is not None or order.stop_loss_price is not None)


def take_profit_of(parent: Order, quantity: Decimal, at: datetime) -> Order | None:
    """The limit sale that follows a buy; its prices were checked with its parent's."""
    if parent.take_profit_price is None:
        return None
    child = _exit(parent, "take_profit", "limit", quantity, at)
    group = parent.id if parent.stop_loss_price is not None else None
    return replace(child, status=Status.SUBMITTED, limit_price=parent.take_profit_price, group_id=group)


def stop_loss_of(parent: Order, quantity: Decimal, at: datetime) -> Order | None:
    """The stop at the side of a limit sale, or of a buy's other exit; alone it holds the shares itself."""
    if parent.stop_loss_price is None:
        return None
    order_type: OrderType = "stop" if parent.stop_loss_limit_price is None else "stop_limit"
    child = replace(
        _exit(parent, "stop_loss", order_type, quantity, at),
        status=Status.HELD,
        stop_price=parent.stop_loss_price,
        limit_price=parent.stop_loss_limit_price,
    )
    paired = parent.side == "sell" or parent.take_profit_price is not None
    return replace(child, group_id=parent.id, held=ZERO) if paired else child


def takes_over(stop: Order, quantity: Decimal, at: datetime) -> Order:
    """The stop that goes to the broker in the other's place, for what that one left."""
    status = stop.next_status(Happening.TRIGGERED)
    return replace(stop, status=status, quantity=quantity, held=quantity, updated_at=at)


def _exit(parent: Order, name: str, order_type: OrderType, quantity: Decimal, at: datetime) -> Order:
    """Both have ids made of the parent's, so that they are made once."""
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

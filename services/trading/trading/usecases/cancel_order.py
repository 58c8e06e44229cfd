"""Ask for an order's cancel; whether it comes off, the broker's answer will tell."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.domain.order import Happening, Order, Status
from trading.domain.request import OrderId
from trading.errors import OrderNotFound, OrderNotOpen
from trading.events import OrderCancelRequested
from trading.store import accounts, orders


async def cancel_order(session: Session, owner: UUID, order_id: OrderId, now: datetime) -> Order:
    """Request a cancel. Nothing is released yet, and asking again changes nothing."""
    seen = await orders.find(session, owner, order_id)
    if seen is None:
        raise OrderNotFound("You have no order of this id.")
    await accounts.lock(session, owner, seen.account_id)
    order = await orders.find(session, owner, order_id)
    assert order is not None, "orders are never deleted"
    if order.status is Status.CANCELED:
        return order
    if not order.is_open:
        raise OrderNotOpen(f"The order is {order.status}: there is nothing left to cancel.")
    requested = order.after(Happening.CANCEL_REQUESTED, now)
    if requested is not order:
        await orders.save(session, owner, requested)
        await record(session, OrderCancelRequested(order_id=order.id, account_id=order.account_id), owner=owner)
    return requested

"""Ask for an order's cancel; whether it comes off, the broker's answer will tell."""

from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.domain.order import Order, Status
from trading.domain.request import OrderId
from trading.errors import OrderNotFound, OrderNotOpen
from trading.store import accounts, orders
from trading.usecases.withdraw_order import withdraw_order


async def cancel_order(session: Session, owner: UUID, order_id: OrderId, now: datetime) -> Order:
    """Request a cancel. Nothing is released yet, and asking again changes nothing."""
    seen = await orders.find(session, owner, order_id)
    if seen is None:
        raise OrderNotFound("You have no order of this id.")
    account = await accounts.lock(session, owner, seen.account_id)
    order = await orders.find(session, owner, order_id)
    assert account is not None and order is not None, "neither is ever deleted"  # noqa: PT018
    if order.status is Status.CANCELED:
        return order
    if not order.is_open:
        raise OrderNotOpen(f"The order is {order.status}: there is nothing left to cancel.")
    return await withdraw_order(session, owner, account, order, now)

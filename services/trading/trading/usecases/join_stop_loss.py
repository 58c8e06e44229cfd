"""Put a stop loss at the side of a limit sale: of the two, one cancels the other."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.domain.group import stop_loss_of
from trading.domain.order import Order
from trading.events import order_changed
from trading.store import orders


async def join_stop_loss(session: Session, owner: UUID, order: Order, now: datetime) -> Order:
    """Save the waiting stop, and join the two; the sale holds the shares for both."""
    stop = stop_loss_of(order, order.quantity, now)
    assert stop is not None, "asked for by a sale with a stop loss"
    joined = replace(order, group_id=stop.group_id)
    await orders.save(session, owner, joined)
    await orders.save_new(session, owner, stop)
    await record(session, order_changed(stop), owner=owner)
    return joined

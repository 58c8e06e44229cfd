"""Put a stop at the side of a limit order: of the two, one cancels the other."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.domain.group import partner_of
from trading.domain.order import Order
from trading.events import order_changed
from trading.store import orders


async def join_partner(session: Session, owner: UUID, order: Order, now: datetime) -> Order:
    """Save the waiting stop of a limit order that has one, and join the two; the limit order holds for both."""
    stop = partner_of(order, now)
    if stop is None:
        return order
    joined = replace(order, group_id=stop.group_id)
    await orders.save(session, owner, joined)
    await orders.save_new(session, owner, stop)
    await record(session, order_changed(stop), owner=owner)
    return joined

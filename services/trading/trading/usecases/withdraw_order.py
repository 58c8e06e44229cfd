"""Take an open order back: at once when it waits with us, by asking the broker otherwise."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.domain.account import Account
from trading.domain.order import Happening, Order, Status
from trading.events import cancel_requested
from trading.store import orders
from trading.usecases.end_order import end_order


async def withdraw_order(
    session: Session, owner: UUID, account: Account, order: Order, now: datetime, reason: str | None = None
) -> Order:
    """Cancel a waiting order, or ask for the cancel of one at the broker. Its account is locked.

    Asking again changes nothing. Nothing is released before the broker has confirmed.
    """
    if order.status is Status.HELD:
        return await end_order(session, owner, order, Happening.CANCELED, now, (reason, None))
    requested = order.after(Happening.CANCEL_REQUESTED, now, order.reason, order.detail)
    if requested is not order:
        await orders.save(session, owner, requested)
        await record(session, cancel_requested(order, account), owner=owner)
    return requested

"""Set more aside for an order, or less, while it goes on."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.events import Event

from trading.domain.holds import hold_more, release_part
from trading.domain.order import Order
from trading.events import BalanceChanged
from trading.store import ledger, positions


async def move_hold(
    session: Session, owner: UUID, order: Order, change: Decimal, step: str, now: datetime
) -> list[Event]:
    """Move cash for a buy, shares for a sale: more when positive. `step` names the reason, once for each order.

    Return what has to be announced of it.
    """
    if not change:
        return []
    if order.side == "sell":
        await positions.save_hold(session, owner, order.account_id, order.symbol, change)
        return []
    movement = hold_more(order, change, step, now) if change > 0 else release_part(order, -change, step, now)
    return [BalanceChanged.of(await ledger.save(session, owner, movement))]

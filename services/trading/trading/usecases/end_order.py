"""End an order on a word that is final, and free what it still holds."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import Event, record

from trading.domain import ledger as movements
from trading.domain.order import Happening, Order
from trading.events import BalanceChanged, order_changed
from trading.store import ledger, orders, positions
from trading.usecases.follow_group import follow_group

Why = tuple[str | None, str | None]


async def end_order(
    session: Session, owner: UUID, order: Order, happening: Happening, now: datetime, why: Why = (None, None)
) -> Order:
    """Move an order to an end, with the reason and its words. Its account is locked."""
    after = order.after(happening, now, *why)
    await orders.save(session, owner, after)
    await record(session, order_changed(after), *await _release(session, owner, order, after), owner=owner)
    await follow_group(session, owner, after, now)
    return after


async def _release(session: Session, owner: UUID, before: Order, after: Order) -> list[Event]:
    amount = before.held - after.held
    if not amount:
        return []
    if after.side == "sell":
        await positions.save_hold(session, owner, after.account_id, after.symbol, -amount)
        return []
    return [BalanceChanged.of(await ledger.save(session, owner, movements.release(after, amount)))]

"""Record a fill once: order, hold, ledger, balance and position move together, or not at all."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.domain.account import Balance
from trading.domain.fill import Books, fill
from trading.domain.order import Order
from trading.domain.request import Execution
from trading.domain.settlement import Unsettled, due
from trading.errors import OrderNotFound
from trading.events import FillBooked
from trading.meters import hear_first_word
from trading.store import accounts, booking, executions, ledger, orders, positions, unsettled
from trading.store.together import write
from trading.usecases.cover_stranger import cover_stranger
from trading.usecases.follow_group import follow_group
from trading.usecases.settle_account import settle_account


async def record_execution(session: Session, owner: UUID, execution: Execution, now: datetime) -> Order:
    """Book a fill. The same execution again, by whatever way it comes, changes nothing.

    Raises:
        OrderNotFound: when the order is not there (yet).
        Illegal, Oversold, Overdrawn: when it cannot have happened; a human has to look.
    """
    await accounts.lock(session, owner, execution.account_id)
    books = await booking.find(session, owner, execution)
    if books is None or books.order.account_id != execution.account_id:
        raise OrderNotFound(f"There is no order {execution.order_id} in account {execution.account_id}.")
    order = books.order
    if books.is_recorded:
        return order
    if order.is_adopted and await cover_stranger(session, owner, order, execution, now):
        books = await booking.find(session, owner, execution) or books
    pending, settled = await _still_pending(session, owner, books, execution, now)
    filled = fill(replace(books, pending=pending, balance=settled or books.balance), execution, now)
    rows = await write(
        session,
        executions.adding(owner, filled.recorded),
        orders.saving(owner, filled.order),
        positions.saving(owner, filled.position),
        unsettled.adding(owner, filled.unsettled),
        ledger.moving(owner, filled.movement),
        facts=[FillBooked.of(filled)],
        owner=owner,
    )
    ledger.require(filled.movement, rows, filled.balance)
    hear_first_word(order, filled.order, now)
    await follow_group(session, owner, filled.order, now)
    return filled.order


async def _still_pending(
    session: Session, owner: UUID, books: Books, execution: Execution, now: datetime
) -> tuple[list[Unsettled], Balance | None]:
    """What is pending in the order's currency, once everything the day of this trade makes due has settled.

    Also the balance, where something has settled.
    """
    order = books.order
    if not due(books.pending, execution.trade_date):
        return books.pending, None
    balance = await settle_account(session, owner, (order.account_id, order.currency), execution.trade_date, now)
    return await unsettled.list_pending(session, owner, order.account_id, order.currency), balance

"""Record a fill once: order, hold, ledger, balance and position move together, or not at all."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session

from trading.domain import ledger as movements
from trading.domain.account import Balance
from trading.domain.ledger import Transaction
from trading.domain.order import Order
from trading.domain.position import Position
from trading.domain.request import Execution
from trading.domain.settlement import Unsettled, due, unsettled_by
from trading.errors import OrderNotFound
from trading.events import BalanceChanged, ExecutionRecorded, FillBooked, OrderChanged, PositionChanged
from trading.meters import hear_first_word
from trading.store import accounts, booking, executions, ledger, orders, positions, unsettled
from trading.store.booking import Books
from trading.store.executions import Recorded
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
    before = books.position or _nothing_of(order)
    after = order.filled_by(execution, now)
    hear_first_word(order, after, now)
    position, movement = _booked(before, after, execution, order.held - after.held)
    pending, settled = await _still_pending(session, owner, books, execution, now)
    recorded = _recorded(order, execution, position.realized_profit - before.realized_profit, now)
    balance = movements.balance_after(settled or books.balance, movement)
    booked = FillBooked(
        order_id=order.id,
        execution=ExecutionRecorded.of(recorded),
        order=OrderChanged.of(after),
        position=PositionChanged.of(position),
        balance=BalanceChanged.of(balance),
    )
    rows = await write(
        session,
        executions.adding(owner, recorded),
        orders.saving(owner, after),
        positions.saving(owner, position),
        unsettled.adding(owner, unsettled_by(execution, movement, order.symbol, pending)),
        ledger.moving(owner, movement),
        facts=[booked],
        owner=owner,
    )
    ledger.require(movement, rows, balance)
    await follow_group(session, owner, after, now)
    return after


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


def _nothing_of(order: Order) -> Position:
    return Position(account_id=order.account_id, symbol=order.symbol, market=order.market, currency=order.currency)


def _booked(position: Position, order: Order, execution: Execution, released: Decimal) -> tuple[Position, Transaction]:
    """What a fill makes of the position, and the money it moves; `released` is cash for a buy, shares for a sale."""
    if order.side == "buy":
        movement = movements.bought(order, execution, released)
        return position.bought(execution.quantity, movement.total(movements.Book.SHARES)), movement
    freed = replace(position, held=position.held - released)
    sold = freed.sold(execution.quantity, execution.value - execution.fee - execution.tax)
    return sold, movements.sold(order, execution, position.cost - sold.cost)


def _recorded(order: Order, execution: Execution, realized_profit: Decimal, now: datetime) -> Recorded:
    return Recorded(
        execution_id=execution.execution_id,
        order_id=order.id,
        account_id=order.account_id,
        symbol=order.symbol,
        side=order.side,
        quantity=execution.quantity,
        price=execution.price,
        fee=execution.fee,
        tax=execution.tax,
        realized_profit=realized_profit,
        currency=order.currency,
        trade_date=execution.trade_date,
        settlement_date=execution.settlement_date,
        executed_at=execution.executed_at,
        recorded_at=now,
    )

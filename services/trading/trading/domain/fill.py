"""What a fill makes of an order, the money and the position: computed in one place, however it is written."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from quant.markets.listing import Currency, Side

from trading.domain import ledger as movements
from trading.domain.account import Balance
from trading.domain.ledger import Transaction
from trading.domain.order import Order
from trading.domain.position import Position
from trading.domain.request import AccountId, Execution, OrderId
from trading.domain.settlement import Unsettled, unsettled_by


@dataclass(frozen=True, slots=True)
class Books:
    """An order with the position and the balance it moves, and whether the fill is in them already.

    `pending` is what has to settle in the order's currency, earliest first: few rows, however many trades.
    """

    order: Order
    position: Position | None
    balance: Balance
    pending: list[Unsettled]
    is_recorded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An execution with what it meant to us."""

    execution_id: str
    order_id: OrderId
    account_id: AccountId
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    tax: Decimal
    realized_profit: Decimal
    currency: Currency
    trade_date: date
    settlement_date: date
    executed_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """Everything that a fill changes, as it is afterwards; `before` is the order as it was."""

    before: Order
    order: Order
    position: Position
    movement: Transaction
    balance: Balance
    unsettled: Unsettled
    recorded: Recorded


def fill(books: Books, execution: Execution, now: datetime) -> Filled:
    """Book a fill that is not recorded yet; nothing of what is pending may be due.

    Raises:
        Illegal, Oversold: when it cannot have happened.
    """
    before = books.order
    held = books.position or _nothing_of(before)
    order = before.filled_by(execution, now)
    position, movement = _booked(held, order, execution, before.held - order.held)
    return Filled(
        before=before,
        order=order,
        position=position,
        movement=movement,
        balance=movements.balance_after(books.balance, movement),
        unsettled=unsettled_by(execution, movement, before.symbol, books.pending),
        recorded=_recorded(before, execution, position.realized_profit - held.realized_profit, now),
    )


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

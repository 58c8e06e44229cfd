"""Everything a fill is booked on, by one statement, once its account is locked."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from kit.db import Session
from kit.sql import Statement
from sqlalchemy import and_, bindparam, exists, select

from trading.domain.account import Balance
from trading.domain.order import Order
from trading.domain.position import Position
from trading.domain.request import Execution
from trading.store import orders as of_orders
from trading.store.rows import columns_of
from trading.store.tables import balances, executions, orders, positions

ZERO: Final = Decimal(0)

_POSITION = columns_of(positions, Position)
_BALANCE = columns_of(balances, Balance)
BOOKS = Statement(
    select(
        *of_orders.COLUMNS,
        *(column.label(f"position_{column.name}") for column in _POSITION),
        *(column.label(f"balance_{column.name}") for column in _BALANCE),
        exists()
        .where(executions.c.owner_id == bindparam("owner"), executions.c.execution_id == bindparam("execution_id"))
        .label("is_recorded"),
    )
    .select_from(
        orders.outerjoin(
            positions,
            and_(
                positions.c.owner_id == orders.c.owner_id,
                positions.c.account_id == orders.c.account_id,
                positions.c.symbol == orders.c.symbol,
            ),
        ).outerjoin(
            balances,
            and_(
                balances.c.owner_id == orders.c.owner_id,
                balances.c.account_id == orders.c.account_id,
                balances.c.currency == orders.c.currency,
            ),
        )
    )
    .where(orders.c.owner_id == bindparam("owner"), orders.c.id == bindparam("order_id"))
)


@dataclass(frozen=True, slots=True)
class Books:
    """An order with the position and the balance it moves, and whether the fill is in them already."""

    order: Order
    position: Position | None
    balance: Balance
    is_recorded: bool


async def find(session: Session, owner: UUID, execution: Execution) -> Books | None:
    """Return what a fill is booked on; None when its order is not there (yet)."""
    given = {"owner": owner, "order_id": execution.order_id, "execution_id": execution.execution_id}
    row = await BOOKS.first(session, given)
    if row is None:
        return None
    position = None
    if row.position_symbol is not None:
        position = Position(**{column.name: row[f"position_{column.name}"] for column in _POSITION})
    order = of_orders.order_of(row)
    balance = Balance(account_id=order.account_id, currency=order.currency, available=ZERO, held=ZERO)
    if row.balance_currency is not None:  # a stranger may have sold for what was never paid in here
        balance = Balance(**{column.name: row[f"balance_{column.name}"] for column in _BALANCE})
    return Books(order, position, balance, row.is_recorded)

"""Everything a fill is booked on, by one statement: for one whose account is locked, and what is read for several."""

from collections.abc import Sequence
from dataclasses import fields
from decimal import Decimal
from typing import Final
from uuid import UUID

from kit.db import Session
from kit.sql import Row, Statement
from sqlalchemy import and_, bindparam, exists, select

from trading.domain.account import Balance
from trading.domain.fill import Books
from trading.domain.order import Order
from trading.domain.position import Position
from trading.domain.request import Execution
from trading.domain.settlement import Unsettled
from trading.store import orders as of_orders
from trading.store.rows import columns_of
from trading.store.tables import balances, executions, orders, positions, unsettled

ZERO: Final = Decimal(0)

_POSITION = columns_of(positions, Position)
BALANCE: Final = tuple(column.label(f"balance_{column.name}") for column in columns_of(balances, Balance))
_BALANCE_NAMES: Final = tuple(each.name for each in fields(Balance))
OF_ITS_CURRENCY: Final = and_(
    balances.c.owner_id == orders.c.owner_id,
    balances.c.account_id == orders.c.account_id,
    balances.c.currency == orders.c.currency,
)
"""By what an order's balance is joined to it; `balance_of` reads BALANCE's columns then."""
_PENDING = columns_of(unsettled, Unsettled)
READ = (
    select(
        *of_orders.COLUMNS,
        *(column.label(f"position_{column.name}") for column in _POSITION),
        *BALANCE,
        *(column.label(f"pending_{column.name}") for column in _PENDING),
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
        )
        .outerjoin(balances, OF_ITS_CURRENCY)
        .outerjoin(
            unsettled,
            and_(
                unsettled.c.owner_id == orders.c.owner_id,
                unsettled.c.account_id == orders.c.account_id,
                unsettled.c.currency == orders.c.currency,
            ),
        )
    )
    .where(orders.c.owner_id == bindparam("owner"), orders.c.id == bindparam("order_id"))
    .order_by(unsettled.c.settles_on)
)
"""A row, or several: one for each date on which something has to settle."""
BOOKS = Statement(READ)


async def find(session: Session, owner: UUID, execution: Execution) -> Books | None:
    """Return what a fill is booked on; None when its order is not there (yet)."""
    given = {"owner": owner, "order_id": execution.order_id, "execution_id": execution.execution_id}
    rows = await BOOKS.all(session, given)
    return books_of(rows) if rows else None


def books_of(rows: Sequence[Row]) -> Books:
    """Return the books that the rows of one execution say."""
    row, position = rows[0], None
    if row.position_symbol is not None:
        position = Position(**{column.name: row[f"position_{column.name}"] for column in _POSITION})
    order = of_orders.order_of(row)
    balance = balance_of(row, order)
    pending = [Unsettled(**{column.name: row[f"pending_{column.name}"] for column in _PENDING}) for row in rows]
    return Books(order, position, balance, pending if row.pending_settles_on is not None else [], row.is_recorded)


def balance_of(row: Row, order: Order) -> Balance:
    """Return the cash of an order's currency that its row says: nothing, when there never was any."""
    if row.balance_currency is None:  # a stranger may have sold for what was never paid in here
        return Balance(account_id=order.account_id, currency=order.currency, available=ZERO, held=ZERO)
    return Balance(**{name: row[f"balance_{name}"] for name in _BALANCE_NAMES})

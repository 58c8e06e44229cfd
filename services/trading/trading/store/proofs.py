"""What a proof reads besides balances and positions: faults between tables, found by the database itself."""

from decimal import Decimal
from typing import Final
from uuid import UUID

from kit.db import Session
from sqlalchemy import text

from trading.domain.request import AccountId

FAULTS_MAX: Final = 20
"""Sentences about one kind of fault: enough to start looking."""

SNAPSHOT = text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
OF_ACCOUNT = "owner_id = :owner AND account_id = :account_id"
ENTRIES = text(f"SELECT count(*) FROM ledger_entries WHERE {OF_ACCOUNT}")  # noqa: S608 - a constant of this module
HELD = text(
    f"SELECT side, CASE side WHEN 'buy' THEN currency ELSE symbol END AS what, sum(held) AS held"  # noqa: S608
    f"  FROM orders WHERE {OF_ACCOUNT} AND held > 0 GROUP BY 1, 2"
)
UNBALANCED = text(
    f"SELECT transaction_key || ' does not sum to zero in ' || currency FROM ledger_entries"  # noqa: S608
    f" WHERE {OF_ACCOUNT} GROUP BY transaction_key, currency HAVING sum(amount) <> 0 LIMIT {FAULTS_MAX}"
)
ORDERS_APART = text(
    f"""
    SELECT 'order ' || o.id || ' says ' || o.filled_quantity || ' filled, its executions ' || coalesce(e.quantity, 0)
      FROM (SELECT * FROM orders WHERE {OF_ACCOUNT}) o
      LEFT JOIN (SELECT order_id, sum(quantity) AS quantity, sum(quantity * price) AS value, sum(fee) AS fee,
                        sum(tax) AS tax FROM executions WHERE {OF_ACCOUNT} GROUP BY order_id) e ON e.order_id = o.id
     WHERE (o.filled_quantity, o.filled_value, o.fee, o.tax)
           IS DISTINCT FROM (coalesce(e.quantity, 0), coalesce(e.value, 0), coalesce(e.fee, 0), coalesce(e.tax, 0))
     LIMIT {FAULTS_MAX}
    """  # noqa: S608
)
EXECUTIONS_APART = text(
    f"""
    SELECT 'execution ' || e.execution_id || ' moved ' || coalesce(l.moved, 0) || ', it should have moved ' || e.due
      FROM (SELECT execution_id, CASE side WHEN 'buy' THEN -1 ELSE 1 END * quantity * price - fee - tax AS due
              FROM executions WHERE {OF_ACCOUNT}) e
      LEFT JOIN (SELECT transaction_key, sum(amount) AS moved FROM ledger_entries
                  WHERE {OF_ACCOUNT} AND book IN ('cash', 'held', 'receivable', 'payable')
                  GROUP BY transaction_key) l
        ON l.transaction_key = 'execution:' || e.execution_id
     WHERE e.due IS DISTINCT FROM coalesce(l.moved, 0)
     LIMIT {FAULTS_MAX}
    """  # noqa: S608
)


async def find_moment(session: Session, owner: UUID) -> None:
    """Begin to read everything as of one moment. The transaction's first statement; `owner` is whose account it is."""
    del owner
    await session.execute(SNAPSHOT)


async def find_entries(session: Session, owner: UUID, account_id: AccountId) -> int:
    """Count an account's ledger entries."""
    return int(await session.scalar(ENTRIES, {"owner": owner, "account_id": account_id}) or 0)


async def list_held(session: Session, owner: UUID, account_id: AccountId) -> dict[tuple[str, str], Decimal]:
    """Add up what an account's orders say they hold: cash of buys by currency, shares of sales by symbol."""
    rows = await session.execute(HELD, {"owner": owner, "account_id": account_id})
    return {(row.side, row.what): row.held for row in rows}


async def list_faults(session: Session, owner: UUID, account_id: AccountId) -> tuple[str, ...]:
    """List transactions that do not sum to zero, and orders and executions that disagree with what was booked."""
    faults: list[str] = []
    for query in (UNBALANCED, ORDERS_APART, EXECUTIONS_APART):
        faults += await session.scalars(query, {"owner": owner, "account_id": account_id})
    return tuple(faults)

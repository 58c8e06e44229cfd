"""Rows as they are listed and exported, of one owner: executions, ledger, closed trades, dividends of a year."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from kit.db import Session
from sqlalchemy import Select, func, select, tuple_

from trading.domain.ledger import Book
from trading.domain.request import AccountId
from trading.domain.settlement import ZONE_OF
from trading.domain.statement import Dividends
from trading.store.tables import executions, ledger_entries

ROWS_MAX: Final = 100_000
"""Rows of one file: a trader's year, in memory for a second."""

Table = Literal["executions", "ledger", "history"]

_PROCEEDS = (executions.c.quantity * executions.c.price - executions.c.fee - executions.c.tax).label("proceeds")
_EXECUTIONS = (
    executions.c.execution_id,
    executions.c.order_id,
    executions.c.account_id,
    executions.c.symbol,
    executions.c.currency,
    executions.c.side,
    executions.c.quantity,
    executions.c.price,
    executions.c.fee,
    executions.c.tax,
    executions.c.realized_profit,
    executions.c.trade_date,
    executions.c.settlement_date,
    executions.c.executed_at,
    executions.c.recorded_at,
)
_SALES = (
    *(column for column in _EXECUTIONS if column.name not in {"side", "executed_at"}),
    _PROCEEDS,
    (_PROCEEDS.element - executions.c.realized_profit).label("cost"),
)
_LEDGER = (
    ledger_entries.c.position,
    ledger_entries.c.transaction_key,
    ledger_entries.c.account_id,
    ledger_entries.c.movement,
    ledger_entries.c.book,
    ledger_entries.c.currency,
    ledger_entries.c.amount,
    ledger_entries.c.occurred_at,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of which table."""

    table: Table
    account_id: AccountId | None
    since: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows with the names and types of their columns."""

    columns: Mapping[str, type[Any]]
    rows: Sequence[Mapping[str, Any]]

    def __len__(self) -> int:
        return len(self.rows)


async def list_rows(session: Session, owner: UUID, wanted: Wanted) -> Rows:
    """List a table from its oldest row; one more than the most there may be tells that there are too many."""
    if wanted.table == "ledger":
        columns: Sequence[Any] = _LEDGER
        table, moment, place = ledger_entries, ledger_entries.c.occurred_at, ledger_entries.c.position
    else:
        columns = _EXECUTIONS if wanted.table == "executions" else _SALES
        table, moment, place = executions, executions.c.recorded_at, executions.c.booked
    query: Select[Any] = select(*columns).where(table.c.owner_id == owner).order_by(place).limit(ROWS_MAX + 1)
    if wanted.table == "history":
        query = query.where(executions.c.side == "sell")
    if wanted.account_id is not None:
        query = query.where(table.c.account_id == wanted.account_id)
    if wanted.since is not None:
        query = query.where(moment >= wanted.since)
    if wanted.until is not None:
        query = query.where(moment < wanted.until)
    found = (await session.execute(query)).all()
    kinds = {column.name: column.type.python_type for column in columns}
    return Rows(kinds, [dict(row._mapping) for row in found])


async def list_sales(
    session: Session,
    owner: UUID,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
    account_id: AccountId | None = None,
) -> list[dict[str, Any]]:
    """List closed trades, newest first."""
    query = (
        select(*_SALES)
        .where(executions.c.owner_id == owner, executions.c.side == "sell")
        .order_by(executions.c.recorded_at.desc(), executions.c.execution_id.desc())
        .limit(limit)
    )
    if account_id is not None:
        query = query.where(executions.c.account_id == account_id)
    if before is not None:
        query = query.where(tuple_(executions.c.recorded_at, executions.c.execution_id) < before)
    return [dict(row._mapping) for row in await session.execute(query)]


async def list_dividends(session: Session, owner: UUID, ids: Sequence[AccountId], year: int) -> list[Dividends]:
    """Add up the dividends of a year by currency; a year begins at midnight of the exchange."""
    found = []
    for currency, zone in ZONE_OF.items():
        begins, ends = (datetime.combine(date(each, 1, 1), datetime.min.time(), zone) for each in (year, year + 1))
        query = (
            select(ledger_entries.c.book, func.sum(ledger_entries.c.amount).label("total"))
            .where(
                ledger_entries.c.owner_id == owner,
                ledger_entries.c.account_id.in_(ids),
                ledger_entries.c.currency == currency,
                ledger_entries.c.movement == "dividend",
                ledger_entries.c.occurred_at >= begins,
                ledger_entries.c.occurred_at < ends,
            )
            .group_by(ledger_entries.c.book)
        )
        books = {row.book: row.total for row in await session.execute(query)}
        if books:
            zero = Decimal(0)
            found.append(Dividends(currency, -books.get(Book.DIVIDENDS, zero), books.get(Book.WITHHOLDING, zero)))
    return found

"""The ledger, and the balances that are its running totals: money moves through `save` only."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.sql import Row, Statement
from quant.markets.listing import Currency
from sqlalchemy import (
    ARRAY,
    CTE,
    DateTime,
    Numeric,
    Text,
    Uuid,
    bindparam,
    column,
    func,
    insert,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.sql.elements import ColumnElement

from trading.domain.account import Balance
from trading.domain.ledger import Book, Transaction
from trading.domain.request import AccountId
from trading.store.rows import columns_of
from trading.store.tables import balances, ledger_entries
from trading.store.together import Write, write

ZERO = Decimal(0)
MOVING = ("available", "held", "unsettled_in", "unsettled_out")


# What is written and what it moves are one statement: entries without their balance, or the other way round, cannot be.
def moving_if(*conditions: ColumnElement[bool]) -> CTE:
    """The part of a statement that moves a balance, where it can bear it and the conditions hold: then it has a row."""
    return (
        update(balances)
        .where(
            balances.c.owner_id == bindparam("owner"),
            balances.c.account_id == bindparam("account"),
            balances.c.currency == bindparam("unit"),
            *(balances.c[name] + bindparam(f"more_{name}") >= ZERO for name in MOVING),
            *conditions,
        )
        .values({name: balances.c[name] + bindparam(f"more_{name}") for name in MOVING})
        .returning(balances.c.owner_id, *columns_of(balances, Balance))
        .cte("moved")
    )


_postings = (
    func.unnest(bindparam("books", type_=ARRAY(Text)), bindparam("amounts", type_=ARRAY(Numeric)))
    .table_valued(column("book", Text), column("amount", Numeric))
    .render_derived("posting")
)


def written(moved: CTE) -> CTE:
    """The part that writes the entries of what moved: nothing is written when nothing did."""
    return (
        insert(ledger_entries)
        .from_select(
            ["owner_id", "transaction_key", "currency", "book", "account_id", "movement", "amount", "occurred_at"],
            select(
                bindparam("owner", type_=Uuid),
                bindparam("key", type_=Text),
                bindparam("unit", type_=Text),
                _postings.c.book,
                bindparam("account", type_=Uuid),
                bindparam("movement", type_=Text),
                _postings.c.amount,
                bindparam("at", type_=DateTime(timezone=True)),
            ).select_from(moved.join(_postings, true())),
        )
        .cte("written")
    )


_moved = moving_if()
MOVE = Statement(select(*(_moved.c[each.name] for each in fields(Balance))).add_cte(written(_moved)))
OPEN = upsert(balances).on_conflict_do_nothing()
EXISTS = (
    select(literal(1))
    .where(
        ledger_entries.c.owner_id == bindparam("owner"),
        ledger_entries.c.transaction_key == bindparam("key"),
    )
    .limit(1)
)
BOOKS = (
    select(ledger_entries.c.currency, ledger_entries.c.book, func.sum(ledger_entries.c.amount).label("total"))
    .where(ledger_entries.c.owner_id == bindparam("owner"), ledger_entries.c.account_id == bindparam("account_id"))
    .group_by(ledger_entries.c.currency, ledger_entries.c.book)
)


class Overdrawn(Exception):
    """Money would be spent that is not there; after an approval or a fill within its hold this cannot happen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the ledger, as it is listed."""

    position: int
    transaction_key: str
    movement: str
    book: str
    currency: Currency
    amount: Decimal
    occurred_at: datetime


ENTRY_COLUMNS = columns_of(ledger_entries, Entry)


async def save_opening(session: Session, owner: UUID, account_id: AccountId, currency: Currency) -> None:
    """Make sure that an account has a balance in a currency, empty if it is new."""
    empty = dict.fromkeys(MOVING, ZERO)
    await session.execute(OPEN, {"owner_id": owner, "account_id": account_id, "currency": currency, **empty})


async def save(session: Session, owner: UUID, transaction: Transaction) -> Balance:
    """Write a transaction and move the balance by what it says; return the new balance.

    Raises:
        Overdrawn: when the balance cannot bear it; nothing was written then.
    """
    return moved(transaction, await write(session, moving(owner, transaction)))


def moving(owner: UUID, transaction: Transaction) -> Write:
    """The write of a transaction: its row is the new balance, which `moved` reads."""
    given = {
        "owner": owner,
        "account": transaction.account_id,
        "unit": transaction.currency,
        "more_available": transaction.available,
        "more_held": transaction.total(Book.HELD),
        "more_unsettled_in": transaction.total(Book.RECEIVABLE),
        "more_unsettled_out": -transaction.total(Book.PAYABLE),
        "key": transaction.key,
        "movement": transaction.movement,
        "at": transaction.at,
        "books": [posting.book for posting in transaction.postings],
        "amounts": [posting.amount for posting in transaction.postings],
    }
    return Write(MOVE, given)


def moved(transaction: Transaction, rows: Sequence[Row]) -> Balance:
    """Return the new balance.

    Raises:
        Overdrawn: when the balance could not bear the transaction, and there is none.
    """
    if not rows:
        raise Overdrawn(f"{transaction.key} takes more {transaction.currency} than account has: {transaction.postings}")
    return Balance(**rows[0])


def require(transaction: Transaction, rows: Sequence[Row], expected: Balance) -> None:
    """See that a balance moved as was told: what was announced of it lies in the same transaction."""
    found = moved(transaction, rows)
    assert found == expected, f"{transaction.key} made {found}, and {expected} was announced"


async def find_written(session: Session, owner: UUID, key: str) -> bool:
    """Whether a transaction of this key was written: then what it stands for has happened."""
    return await session.scalar(EXISTS, {"owner": owner, "key": key}) is not None


async def list_books(session: Session, owner: UUID, account_id: AccountId) -> dict[Currency, dict[Book, Decimal]]:
    """Add up an account's books from its first entry, by currency."""
    rows = await session.execute(BOOKS, {"owner": owner, "account_id": account_id})
    books: dict[Currency, dict[Book, Decimal]] = {}
    for row in rows:
        books.setdefault(row.currency, {})[Book(row.book)] = row.total
    return books


async def list_page(
    session: Session, owner: UUID, account_id: AccountId, *, before: int | None, limit: int
) -> list[Entry]:
    """List an account's entries, newest first."""
    query = (
        select(*ENTRY_COLUMNS)
        .where(ledger_entries.c.owner_id == owner, ledger_entries.c.account_id == account_id)
        .order_by(ledger_entries.c.position.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(ledger_entries.c.position < before)
    return [Entry(**row._mapping) for row in await session.execute(query)]

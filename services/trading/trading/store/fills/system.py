"""Fills of several owners: read by one round trip and written by one, each where its account is still as it was read.

Whoever changes what is in an account locks it first, and a lock is counted in the account's revision (store/accounts).
So a fill that was decided without a lock is written only where the revision is the one that was read with everything it
was decided on; there the account is locked and counted like by everybody else. A row that somebody has locked is passed
by and not waited for: what was decided would be old by then. Each part of what is written hangs on the balance that
moved, and that on the account: a part that did not would be written anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session
from kit.events import events, inbox
from kit.sql import Row, Statement
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Table,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    exists,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert, insert

from trading.domain.fill import Books, Filled
from trading.domain.request import Execution
from trading.store import booking, executions, ledger, orders, positions, unsettled
from trading.store.rows import values_of
from trading.store.tables import accounts, balances
from trading.store.tables import executions as executions_table
from trading.store.tables import orders as orders_table
from trading.store.tables import positions as positions_table
from trading.store.tables import unsettled as unsettled_table

FACT = ("id", "type", "subject", "correlation_id", "causation_id", "data", "must_reach", "retry_at", "occurred_at")
"""What an event has besides its owner."""
UNTOUCHED: ColumnElement[bool] = literal_column("accounts.xmax::text IN ('0', accounts.xmin::text)", Boolean)
"""Nobody but who wrote this row has locked it since. It is always so but beside the version of before, whose processes
run for a while during a release: they lock without counting, and leave nothing but this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A fill as its message told of it."""

    owner: UUID
    message_id: UUID
    execution: Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a fill is booked on without a lock: at which revision, and whether everything is there as it usually is."""

    books: Books
    revision: int
    is_usual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A fill that was decided on what was seen at a revision; `told` is what APPEND would be given of its fact."""

    owner: UUID
    message_id: UUID
    revision: int
    filled: Filled
    told: dict[str, Any]


_ACCOUNT = (accounts.c.owner_id == bindparam("owner"), accounts.c.id == bindparam("account"))
_IS_KNOWN = exists().where(inbox.c.consumer == bindparam("consumer"), inbox.c.message_id == bindparam("message"))
SEE = Statement(
    booking.READ.join(
        accounts, and_(accounts.c.owner_id == orders_table.c.owner_id, accounts.c.id == orders_table.c.account_id)
    )
    .where(*_ACCOUNT)
    .add_columns(
        bindparam("message", type_=Uuid).label("message"),
        accounts.c.revision.label("revision"),
        and_(UNTOUCHED, ~_IS_KNOWN).label("is_usual"),
    )
)


def _added(table: Table, names: Sequence[str], moved: Any) -> Insert:
    """An insert of one row whose columns are given by the table's name and theirs, where a balance moved."""
    values = [_given(table, table.c[name]).label(name) for name in names]
    return insert(table).from_select(["owner_id", *names], select(moved.c.owner_id, *values).select_from(moved))


def _given(table: Table, column: Column[Any]) -> ColumnElement[Any]:
    name = f"{table.name}_{column.name}"
    if column is events.c.data:
        return cast(bindparam(name, type_=Text), column.type)  # it is written as JSON already
    return bindparam(name, type_=column.type)


def _save() -> Statement:
    free = (
        select(accounts.c.id)
        .where(*_ACCOUNT, accounts.c.revision == bindparam("seen_revision"), UNTOUCHED)
        .with_for_update(skip_locked=True, key_share=True)
        .cte("free")
    )
    opened = (
        update(accounts)
        .where(*_ACCOUNT, accounts.c.id == free.c.id, accounts.c.revision == bindparam("seen_revision"))
        .values(revision=accounts.c.revision + 1)
        .returning(accounts.c.owner_id, accounts.c.id)
        .cte("opened")
    )
    moved = ledger.moving_if(
        balances.c.owner_id == opened.c.owner_id,
        balances.c.account_id == opened.c.id,
        # what is announced of it
        *(balances.c[name] + bindparam(f"more_{name}") == bindparam(f"then_{name}") for name in ledger.MOVING),
    )
    of_order = (
        orders_table.c.owner_id == bindparam("owner"),
        orders_table.c.id == bindparam("of_order"),
        orders_table.c.owner_id == moved.c.owner_id,
        orders_table.c.account_id == moved.c.account_id,
    )
    changed: dict[str, Any] = {name: bindparam(f"orders_{name}") for name in orders.CHANGING}
    parts = (
        _added(executions_table, executions.NAMES, moved),
        update(orders_table).where(*of_order).values(changed),
        positions.replacing(_added(positions_table, positions.NAMES, moved)),
        unsettled.summing(_added(unsettled_table, unsettled.NAMES, moved)),
        _added(events, FACT, moved),
        insert(inbox).from_select(
            ["consumer", "message_id", "received_at"],
            select(
                bindparam("consumer", type_=Text),
                bindparam("message", type_=Uuid),
                bindparam("received", type_=DateTime(timezone=True)),
            ).select_from(moved),
        ),
    )
    booked = select(bindparam("message", type_=Uuid).label("message")).select_from(moved)
    return Statement(booked.add_cte(ledger.written(moved), *(part.cte(f"part_{at}") for at, part in enumerate(parts))))


SAVE = _save()


async def list_seen(session: Session, consumer: str, heard: Sequence[Heard]) -> dict[UUID, Seen]:
    """List what fills are booked on, by their messages; those whose order is not there (yet), in this account, are not.

    Args:
        session: one for a single statement, of the worker role.
        consumer: in whose inbox a message is looked for.
        heard: each message once.
    """
    given = [
        {
            "owner": each.owner,
            "account": each.execution.account_id,
            "order_id": each.execution.order_id,
            "execution_id": each.execution.execution_id,
            "consumer": consumer,
            "message": each.message_id,
        }
        for each in heard
    ]
    found: dict[UUID, list[Row]] = {}
    for row in await SEE.many(session, given):
        found.setdefault(row.message, []).append(row)
    return {
        message: Seen(books=booking.books_of(rows), revision=rows[0].revision, is_usual=rows[0].is_usual)
        for message, rows in found.items()
    }


async def save_decided(session: Session, consumer: str, decided: Sequence[Decided], now: datetime) -> set[UUID]:
    """Write fills, each whole or not at all; return the messages of those whose accounts were still as they were seen.

    Args:
        session: one for a single statement, of the worker role: an error undoes all of them.
        consumer: in whose inbox the messages are remembered.
        decided: of each account one at most.
        now: when the messages were received.
    """
    rows = await SAVE.many(session, [_given_of(each) | {"consumer": consumer, "received": now} for each in decided])
    return {row.message for row in rows}


def _given_of(decided: Decided) -> dict[str, Any]:
    filled, told = decided.filled, decided.told
    after = values_of(filled.balance, ledger.MOVING)
    return {
        **ledger.moving(decided.owner, filled.movement).given,
        "message": decided.message_id,
        "seen_revision": decided.revision,
        "of_order": filled.order.id,
        **{f"then_{name}": value for name, value in after.items()},
        **_named(orders_table, values_of(filled.order, orders.CHANGING)),
        **_named(executions_table, values_of(filled.recorded, executions.NAMES)),
        **_named(positions_table, values_of(filled.position, positions.NAMES)),
        **_named(unsettled_table, values_of(filled.unsettled, unsettled.NAMES)),
        **_named(events, _row_of(told)),
    }


def _row_of(told: dict[str, Any]) -> dict[str, Any]:
    """The row that APPEND would write of one fact."""
    [fact], [kind], [subject], [data] = told["ids"], told["types"], told["subjects"], told["data"]
    return {
        "id": fact,
        "type": kind,
        "subject": subject,
        "correlation_id": told["correlation"],
        "causation_id": told["causation"],
        "data": data,
        "must_reach": told["must_reach"][0],
        "retry_at": told["retry_at"][0],
        "occurred_at": told["at"],
    }


def _named(table: Table, values: dict[str, Any]) -> dict[str, Any]:
    return {f"{table.name}_{name}": value for name, value in values.items()}

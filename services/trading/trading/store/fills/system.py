"""Fills of several owners: read by one round trip and written by one, each behind the gate of its account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session
from kit.sql import Row, Statement
from sqlalchemy import Uuid, and_, bindparam, select, update

from trading.domain.fill import Books, Filled
from trading.domain.request import Execution
from trading.store import booking, executions, ledger, orders, positions, unsettled
from trading.store.fills.gate import ACCOUNT, IS_USUAL, Decision, adding, gate, named, telling
from trading.store.rows import values_of
from trading.store.tables import accounts, balances
from trading.store.tables import executions as executions_table
from trading.store.tables import orders as orders_table
from trading.store.tables import positions as positions_table
from trading.store.tables import unsettled as unsettled_table


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
class Decided(Decision):
    """A fill, and what it changes."""

    filled: Filled


SEE = Statement(
    booking.READ.join(
        accounts, and_(accounts.c.owner_id == orders_table.c.owner_id, accounts.c.id == orders_table.c.account_id)
    )
    .where(*ACCOUNT)
    .add_columns(
        bindparam("message", type_=Uuid).label("message"),
        accounts.c.revision.label("revision"),
        IS_USUAL.label("is_usual"),
    )
)


def _save() -> Statement:
    opened = gate()
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
        adding(executions_table, executions.NAMES, moved),
        update(orders_table).where(*of_order).values(changed),
        positions.replacing(adding(positions_table, positions.NAMES, moved)),
        unsettled.summing(adding(unsettled_table, unsettled.NAMES, moved)),
        *telling(moved),
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
    rows = await SAVE.many(session, [each.given(consumer, now) | _given_of(each) for each in decided])
    return {row.message for row in rows}


def _given_of(decided: Decided) -> dict[str, Any]:
    filled = decided.filled
    after = values_of(filled.balance, ledger.MOVING)
    return {
        **ledger.moving(decided.owner, filled.movement).given,
        "of_order": filled.order.id,
        **{f"then_{name}": value for name, value in after.items()},
        **named(orders_table, values_of(filled.order, orders.CHANGING)),
        **named(executions_table, values_of(filled.recorded, executions.NAMES)),
        **named(positions_table, values_of(filled.position, positions.NAMES)),
        **named(unsettled_table, values_of(filled.unsettled, unsettled.NAMES)),
    }

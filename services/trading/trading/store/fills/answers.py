"""What brokers say of orders of several owners, short of a fill: read by one round trip and written by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.sql import Row, Statement
from sqlalchemy import Uuid, and_, bindparam, select, update

from trading.domain.account import Balance
from trading.domain.order import BrokerWord, Order
from trading.domain.request import AccountId, OrderId
from trading.store import orders
from trading.store.booking import BALANCE, OF_ITS_CURRENCY, balance_of
from trading.store.fills.gate import ACCOUNT, IS_USUAL, Decision, gate, named, telling
from trading.store.rows import values_of
from trading.store.tables import accounts, balances
from trading.store.tables import orders as orders_table

SHARED = "whose order it is is said by each of those that are asked for or written"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A broker's word about an order, as its message told of it."""

    owner: UUID
    message_id: UUID
    account_id: AccountId
    order_id: OrderId
    happening: BrokerWord


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenOrder:
    """An order and its balance as they were seen without a lock: at which revision, and whether all is as usual."""

    order: Order
    balance: Balance
    revision: int
    is_usual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedOrder(Decision):
    """What was made of an order."""

    before: Order
    order: Order


SEE = Statement(
    select(
        *orders.COLUMNS,
        *BALANCE,
        bindparam("message", type_=Uuid).label("message"),
        accounts.c.revision.label("revision"),
        IS_USUAL.label("is_usual"),
    )
    .select_from(
        orders_table.join(
            accounts, and_(accounts.c.owner_id == orders_table.c.owner_id, accounts.c.id == orders_table.c.account_id)
        ).outerjoin(balances, OF_ITS_CURRENCY)
    )
    .where(*ACCOUNT, orders_table.c.owner_id == bindparam("owner"), orders_table.c.id == bindparam("order_id"))
)


def _save() -> Statement:
    opened = gate()
    changed = (
        update(orders_table)
        .where(
            orders_table.c.owner_id == bindparam("owner"),
            orders_table.c.id == bindparam("of_order"),
            orders_table.c.owner_id == opened.c.owner_id,
            orders_table.c.account_id == opened.c.id,
        )
        .values({name: bindparam(f"orders_{name}") for name in orders.CHANGING})
        .returning(orders_table.c.owner_id)
        .cte("changed")
    )
    kept = select(bindparam("message", type_=Uuid).label("message")).select_from(changed)
    return Statement(kept.add_cte(*(part.cte(f"part_{at}") for at, part in enumerate(telling(changed)))))


SAVE = _save()


async def list_seen(session: Session, consumer: str, heard: Sequence[Answered]) -> dict[UUID, SeenOrder]:
    """List the orders that words are about, by their messages; those that are not there (yet), or elsewhere, are not.

    Args:
        session: one for a single statement, of the worker role.
        consumer: in whose inbox a message is looked for.
        heard: each message once.
    """
    given = [
        {
            "owner": each.owner,
            "account": each.account_id,
            "order_id": each.order_id,
            "consumer": consumer,
            "message": each.message_id,
        }
        for each in heard
    ]
    return {row.message: _seen(row) for row in await SEE.many(session, given)}


def _seen(row: Row) -> SeenOrder:
    order = orders.order_of(row)
    return SeenOrder(order=order, balance=balance_of(row, order), revision=row.revision, is_usual=row.is_usual)


async def save_decided(session: Session, consumer: str, decided: Sequence[DecidedOrder], now: datetime) -> set[UUID]:
    """Write orders, each whole or not at all; return the messages of those whose accounts were still as they were seen.

    Args:
        session: one for a single statement, of the worker role: an error undoes all of them.
        consumer: in whose inbox the messages are remembered.
        decided: of each account one at most.
        now: when the messages were received.
    """
    given = [
        {
            **each.given(consumer, now),
            "account": each.order.account_id,
            "of_order": each.order.id,
            **named(orders_table, values_of(each.order, orders.CHANGING)),
        }
        for each in decided
    ]
    return {row.message for row in await SAVE.many(session, given)}

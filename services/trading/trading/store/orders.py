"""Orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session
from kit.sql import Statement
from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from trading.domain.order import Order, Status
from trading.domain.request import AccountId, OrderId
from trading.store.rows import columns_of, values_of
from trading.store.tables import is_open, orders
from trading.store.together import Write

OPEN_ORDERS_MAX = 10_000
"""The most a setting can allow."""
GROUP_MAX = 10

COLUMNS = columns_of(orders, Order)
NAMES = tuple(column.name for column in COLUMNS)
CHANGING = (
    "status",
    "quantity",
    "limit_price",
    "stop_price",
    "reserve_price",
    "group_id",
    "watched_price",
    "triggered_at",
    "replace_id",
    "replace_quantity",
    "replace_limit_price",
    "replace_held",
    "original_quantity",
    "original_limit_price",
    "original_stop_price",
    "filled_quantity",
    "filled_value",
    "fee",
    "tax",
    "held",
    "reason",
    "detail",
    "updated_at",
)

ONE = Statement(select(*COLUMNS).where(orders.c.owner_id == bindparam("owner"), orders.c.id == bindparam("order_id")))
SOME = select(*COLUMNS).where(
    orders.c.owner_id == bindparam("owner"), orders.c.id.in_(bindparam("ids", expanding=True))
)
BY_CLIENT_ID = select(*COLUMNS).where(
    orders.c.owner_id == bindparam("owner"), orders.c.client_order_id == bindparam("client_order_id")
)
ALL_OPEN = (
    select(*COLUMNS)
    .where(orders.c.owner_id == bindparam("owner"), orders.c.account_id == bindparam("account_id"), is_open())
    .order_by(orders.c.id)
    .limit(OPEN_ORDERS_MAX)
)
GROUP = (
    select(*COLUMNS)
    .where(orders.c.owner_id == bindparam("owner"), orders.c.group_id == bindparam("group_id"))
    .order_by(orders.c.id)
    .limit(GROUP_MAX)
)
CLIENT_ID = "orders_client_order_id"
ADD = Statement(insert(orders))
INSERT = Statement(insert(orders).on_conflict_do_nothing(constraint=CLIENT_ID))
UPDATE = Statement(
    update(orders)
    .where(orders.c.owner_id == bindparam("owner"), orders.c.id == bindparam("order_id"))
    .values({name: bindparam(f"new_{name}") for name in CHANGING})
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which orders to list: those that have all that is given."""

    account_id: AccountId | None = None
    status: Status | None = None
    symbol: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order that waits for a price, as it was when it was read, and whose it is."""

    owner: UUID
    order: Order


def order_of(row: Any) -> Order:
    """Return the order of a row that has all of its columns."""
    values = {name: getattr(row, name) for name in NAMES}
    values["status"] = Status(values["status"])
    return Order(**values)


async def find(session: Session, owner: UUID, order_id: OrderId) -> Order | None:
    """Return an order of this owner."""
    row = await ONE.first(session, {"owner": owner, "order_id": order_id})
    return order_of(row) if row else None


async def list_some(session: Session, owner: UUID, ids: Sequence[OrderId]) -> list[Order]:
    """Return those of an owner's orders that have one of these ids."""
    return [order_of(row) for row in await session.execute(SOME, {"owner": owner, "ids": list(ids)})]


async def find_by_client_id(session: Session, owner: UUID, client_order_id: str) -> Order | None:
    """Return the order an owner's client gave this id."""
    row = (await session.execute(BY_CLIENT_ID, {"owner": owner, "client_order_id": client_order_id})).first()
    return order_of(row) if row else None


async def list_open(session: Session, owner: UUID, account_id: AccountId) -> list[Order]:
    """List an account's open orders, oldest first. Lock it before, so that they stay as they are."""
    rows = await session.execute(ALL_OPEN, {"owner": owner, "account_id": account_id})
    return [order_of(row) for row in rows]


async def list_group(session: Session, owner: UUID, group_id: UUID) -> list[Order]:
    """List the orders of which one cancels the others."""
    return [order_of(row) for row in await session.execute(GROUP, {"owner": owner, "group_id": group_id})]


def adding(owner: UUID, order: Order) -> Write:
    """The write that adds an order whose client id is free; the table refuses one that is not."""
    return Write(ADD, {"owner_id": owner, **values_of(order, NAMES)})


def saving(owner: UUID, order: Order) -> Write:
    """The write of what has become of an order. Its account is locked, and it was read since."""
    changed = {f"new_{name}": getattr(order, name) for name in CHANGING}
    return Write(UPDATE, {"owner": owner, "order_id": order.id, **changed})


async def save_new(session: Session, owner: UUID, order: Order) -> bool:
    """Add an order; False, and nothing is done, when its client id is taken."""
    return await INSERT.count(session, {"owner_id": owner, **values_of(order, NAMES)}) == 1


async def save(session: Session, owner: UUID, order: Order) -> None:
    """Write what has become of an order. Its account is locked."""
    saved = await UPDATE.count(session, saving(owner, order).given)
    assert saved == 1, f"order {order.id} is gone"


async def find_any_open(session: Session, owner: UUID, account_id: AccountId, symbol: str | None = None) -> bool:
    """Whether an account has an order that is not at its end, of one instrument or of any."""
    query = select(orders.c.id).where(orders.c.owner_id == owner, orders.c.account_id == account_id, is_open()).limit(1)
    if symbol is not None:
        query = query.where(orders.c.symbol == symbol)
    return await session.scalar(query) is not None


async def list_page(session: Session, owner: UUID, wanted: Wanted, *, before: UUID | None, limit: int) -> list[Order]:
    """List orders, newest first: ids are made in the order of time."""
    query = select(*COLUMNS).where(orders.c.owner_id == owner).order_by(orders.c.id.desc()).limit(limit)
    for name in ("account_id", "status", "symbol"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(orders.c[name] == value)
    if wanted.since is not None:
        query = query.where(orders.c.created_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(orders.c.created_at < wanted.until)
    if before is not None:
        query = query.where(orders.c.id < before)
    return [order_of(row) for row in await session.execute(query)]

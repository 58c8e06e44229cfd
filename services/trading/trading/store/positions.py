"""Positions."""

from collections.abc import Sequence
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.sql import Row, Statement
from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import Insert, insert

from trading.domain.position import Position
from trading.domain.request import AccountId
from trading.store.rows import columns_of, values_of
from trading.store.tables import positions
from trading.store.together import Write, write

COLUMNS = columns_of(positions, Position)
NAMES = tuple(column.name for column in COLUMNS)
CHANGING = ("quantity", "held", "cost", "realized_profit")

KEY = (
    positions.c.owner_id == bindparam("owner"),
    positions.c.account_id == bindparam("account"),
    positions.c.symbol == bindparam("code"),
)
ONE = Statement(select(*COLUMNS).where(*KEY))


def replacing(new: Insert) -> Insert:
    """An insert that changes the position where there is one already."""
    return new.on_conflict_do_update(
        index_elements=["owner_id", "account_id", "symbol"], set_={name: new.excluded[name] for name in CHANGING}
    )


UPSERT = Statement(replacing(insert(positions)))
HOLD = Statement(
    update(positions).where(*KEY).values(held=positions.c.held + bindparam("more")).returning(positions.c.held)
)


async def find(session: Session, owner: UUID, account_id: AccountId, symbol: str) -> Position | None:
    """Return an account's position in one instrument."""
    row = await ONE.first(session, {"owner": owner, "account": account_id, "code": symbol})
    return Position(**row) if row else None


def saving(owner: UUID, position: Position) -> Write:
    """The write of a position, new or changed. Its account is locked."""
    return Write(UPSERT, {"owner_id": owner, **values_of(position, NAMES)})


async def save(session: Session, owner: UUID, position: Position) -> None:
    """Write a position, new or changed. Its account is locked."""
    await write(session, saving(owner, position))


def holding(owner: UUID, account_id: AccountId, symbol: str, more: Decimal) -> Write:
    """The write that promises more shares to open sales, or fewer when negative: its rows are given to `require`.

    The table refuses what is not there.
    """
    return Write(HOLD, {"owner": owner, "account": account_id, "code": symbol, "more": more})


def require(account_id: AccountId, symbol: str, rows: Sequence[Row]) -> None:
    """Insist that there was a position whose shares were promised."""
    assert len(rows) == 1, f"account {account_id} has no position in {symbol}"


async def save_hold(session: Session, owner: UUID, account_id: AccountId, symbol: str, more: Decimal) -> None:
    """Promise more shares to open sales, or fewer when negative, by a statement of its own."""
    require(account_id, symbol, await write(session, holding(owner, account_id, symbol, more)))


async def list_page(
    session: Session,
    owner: UUID,
    *,
    after: tuple[UUID, str] | None,
    limit: int,
    account_id: AccountId | None = None,
) -> list[Position]:
    """List what is in hand, by account and symbol."""
    query = (
        select(*COLUMNS)
        .where(positions.c.owner_id == owner, positions.c.quantity > 0)
        .order_by(positions.c.account_id, positions.c.symbol)
        .limit(limit)
    )
    if account_id is not None:
        query = query.where(positions.c.account_id == account_id)
    if after is not None:
        account, symbol = after
        same = positions.c.account_id == account
        query = query.where((positions.c.account_id > account) | (same & (positions.c.symbol > symbol)))
    return [Position(**row._mapping) for row in await session.execute(query)]


async def list_symbols(session: Session, owner: UUID, account_id: AccountId) -> list[str]:
    """List the instruments an account has shares of."""
    query = (
        select(positions.c.symbol)
        .where(positions.c.owner_id == owner, positions.c.account_id == account_id, positions.c.quantity > 0)
        .order_by(positions.c.symbol)
    )
    return list(await session.scalars(query))


async def list_all(
    session: Session, owner: UUID, *, positions_max: int, account_id: AccountId | None = None
) -> list[Position]:
    """List every position ever held, for sums: those sold out keep the profit they made."""
    query = select(*COLUMNS).where(positions.c.owner_id == owner)
    if account_id is not None:
        query = query.where(positions.c.account_id == account_id)
    query = query.order_by(positions.c.account_id, positions.c.symbol).limit(positions_max)
    return [Position(**row._mapping) for row in await session.execute(query)]

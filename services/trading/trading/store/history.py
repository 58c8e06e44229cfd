"""What moved shares, executions and other entries in one line, in the order it was booked."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from kit.db import Session
from quant.markets.listing import Currency
from sqlalchemy import Numeric, and_, bindparam, cast, insert, null, or_, select

from trading.domain.history import Adjusted, Booking, Traded
from trading.domain.request import AccountId
from trading.domain.settlement import MARKET_OF
from trading.store.tables import accounts, executions, position_entries

PAGE: Final = 2_000
PROFITS_MAX: Final = 100_000
"""Sales that figures are reckoned from, the newest ones."""
ENTRIES = position_entries

_TRADES = select(
    executions.c.booked,
    executions.c.symbol,
    executions.c.currency,
    executions.c.side.label("movement"),
    executions.c.quantity,
    executions.c.price,
    executions.c.fee,
    executions.c.tax,
    executions.c.realized_profit,
    cast(null(), Numeric).label("ratio"),
    executions.c.trade_date.label("on"),
    executions.c.settlement_date.label("settles_on"),
).where(executions.c.owner_id == bindparam("owner"), executions.c.account_id == bindparam("account_id"))
_ADJUSTED = select(
    ENTRIES.c.booked,
    ENTRIES.c.symbol,
    ENTRIES.c.currency,
    ENTRIES.c.movement,
    ENTRIES.c.quantity,
    ENTRIES.c.cost.label("price"),
    cast(null(), Numeric).label("fee"),
    cast(null(), Numeric).label("tax"),
    ENTRIES.c.realized_profit,
    ENTRIES.c.ratio,
    ENTRIES.c.occurred_on.label("on"),
    ENTRIES.c.occurred_on.label("settles_on"),
).where(ENTRIES.c.owner_id == bindparam("owner"), ENTRIES.c.account_id == bindparam("account_id"))
INSERT = insert(position_entries)
ONE_ENTRY = select(ENTRIES.c.booked).where(
    ENTRIES.c.owner_id == bindparam("owner"), ENTRIES.c.entry_id == bindparam("entry_id")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which part of a history: all of an account, or of one symbol, or what was recorded until a moment."""

    account_id: AccountId
    symbol: str | None = None
    until: datetime | None = None
    since: datetime | None = None


async def list_each(session: Session, owner: UUID, wanted: Wanted) -> AsyncIterator[Booking]:
    """Read a history from its beginning, page by page, so that its length costs time and not memory."""
    after = 0
    while True:
        page = await _page(session, owner, wanted, after)
        for row in page:
            yield _booking(row)
        if len(page) < PAGE:
            return
        after = page[-1].booked


async def list_bookings(session: Session, owner: UUID, wanted: Wanted) -> list[Booking]:
    """Read a history as a whole."""
    return [booking async for booking in list_each(session, owner, wanted)]


async def _page(session: Session, owner: UUID, wanted: Wanted, after: int) -> list[Any]:
    trades, adjusted = _TRADES, _ADJUSTED
    given: dict[str, Any] = {"owner": owner, "account_id": wanted.account_id, "after": after}
    trades = trades.where(executions.c.booked > bindparam("after"))
    adjusted = adjusted.where(ENTRIES.c.booked > bindparam("after"))
    if wanted.symbol is not None:
        trades, adjusted = (
            trades.where(executions.c.symbol == wanted.symbol),
            adjusted.where(ENTRIES.c.symbol == wanted.symbol),
        )
    if wanted.until is not None:
        trades, adjusted = (
            trades.where(executions.c.recorded_at <= wanted.until),
            adjusted.where(ENTRIES.c.recorded_at <= wanted.until),
        )
    if wanted.since is not None:
        trades, adjusted = (
            trades.where(executions.c.recorded_at >= wanted.since),
            adjusted.where(ENTRIES.c.recorded_at >= wanted.since),
        )
    # each side brings at most a page in its index's order, so the union never reads more than two
    both = (
        trades.order_by(executions.c.booked)
        .limit(PAGE)
        .subquery()
        .select()
        .union_all(adjusted.order_by(ENTRIES.c.booked).limit(PAGE).subquery().select())
        .order_by("booked")
        .limit(PAGE)
    )
    return list((await session.execute(both, given)).all())


def _booking(row: Any) -> Booking:
    currency: Currency = row.currency
    if row.fee is not None:
        return Traded(
            booked=row.booked,
            symbol=row.symbol,
            market=MARKET_OF[currency],
            currency=currency,
            side=row.movement,
            quantity=row.quantity,
            price=row.price,
            fee=row.fee,
            tax=row.tax,
            on=row.on,
            settles_on=row.settles_on,
        )
    return Adjusted(
        booked=row.booked,
        symbol=row.symbol,
        market=MARKET_OF[currency],
        currency=currency,
        movement=row.movement,
        quantity=row.quantity,
        cost=row.price,
        realized_profit=row.realized_profit,
        ratio=row.ratio,
        on=row.on,
    )


async def list_profits(session: Session, owner: UUID, account_id: AccountId | None) -> dict[Currency, list[Decimal]]:
    """List what each sale since its account began (anew) realised at average cost, by currency, newest first."""
    query = (
        select(executions.c.currency, executions.c.realized_profit)
        .join(accounts, and_(accounts.c.owner_id == executions.c.owner_id, accounts.c.id == executions.c.account_id))
        .where(executions.c.owner_id == owner, executions.c.side == "sell")
        .where(or_(accounts.c.reset_at.is_(None), executions.c.recorded_at > accounts.c.reset_at))
        .order_by(executions.c.recorded_at.desc(), executions.c.execution_id.desc())
        .limit(PROFITS_MAX)
    )
    if account_id is not None:
        query = query.where(executions.c.account_id == account_id)
    profits: dict[Currency, list[Decimal]] = {}
    for row in await session.execute(query):
        profits.setdefault(row.currency, []).append(row.realized_profit)
    return profits


async def find_written(session: Session, owner: UUID, entry_id: str) -> bool:
    """Whether an entry of this id was written: then what it stands for has happened."""
    return await session.scalar(ONE_ENTRY, {"owner": owner, "entry_id": entry_id}) is not None


async def save_entry(
    session: Session, owner: UUID, account_id: AccountId, entry: Adjusted, written: tuple[str, datetime]
) -> None:
    """Write what changed a position without a trade, under its id and at its time; `booked` is given by the table."""
    entry_id, at = written
    occurred_on: date = entry.on
    await session.execute(
        INSERT,
        {
            "owner_id": owner,
            "entry_id": entry_id,
            "account_id": account_id,
            "symbol": entry.symbol,
            "market": entry.market,
            "currency": entry.currency,
            "movement": entry.movement,
            "quantity": entry.quantity,
            "cost": entry.cost,
            "realized_profit": entry.realized_profit,
            "ratio": entry.ratio,
            "occurred_on": occurred_on,
            "recorded_at": at,
        },
    )

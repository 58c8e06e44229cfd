"""Executions: written once, under the id the broker gave them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from kit.db import Session
from kit.sql import Statement
from quant.markets.listing import Currency, Side
from sqlalchemy import bindparam, insert, select, tuple_

from trading.domain.fill import Recorded
from trading.domain.request import AccountId, OrderId
from trading.store.rows import columns_of, values_of
from trading.store.tables import executions
from trading.store.together import Write


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which executions to list: those that have all that is given."""

    account_id: AccountId | None = None
    order_id: OrderId | None = None
    symbol: str | None = None
    side: Side | None = None
    since: datetime | None = None
    until: datetime | None = None


COLUMNS = columns_of(executions, Recorded)
NAMES = tuple(column.name for column in COLUMNS)
ONE = Statement(
    select(*COLUMNS).where(
        executions.c.owner_id == bindparam("owner"), executions.c.execution_id == bindparam("execution_id")
    )
)
KNOWN = select(executions.c.execution_id).where(
    executions.c.owner_id == bindparam("owner"), executions.c.execution_id.in_(bindparam("ids", expanding=True))
)
INSERT = Statement(insert(executions))
NEWEST_DAY = (
    select(executions.c.trade_date)
    .where(
        executions.c.owner_id == bindparam("owner"),
        executions.c.account_id == bindparam("account_id"),
        executions.c.currency == bindparam("currency"),
    )
    .order_by(executions.c.booked.desc())
    .limit(1)
)


async def find(session: Session, owner: UUID, execution_id: str) -> Recorded | None:
    """Return an execution that is recorded already."""
    row = await ONE.first(session, {"owner": owner, "execution_id": execution_id})
    return Recorded(**row) if row else None


async def list_known(session: Session, owner: UUID, ids: Sequence[str]) -> set[str]:
    """Return those of these ids that are recorded already."""
    return set(await session.scalars(KNOWN, {"owner": owner, "ids": list(ids)}))


async def find_newest_trade_date(
    session: Session, owner: UUID, account_id: AccountId, currency: Currency
) -> date | None:
    """Return the market day on which an account last traded in a currency."""
    found: date | None = await session.scalar(
        NEWEST_DAY, {"owner": owner, "account_id": account_id, "currency": currency}
    )
    return found


def adding(owner: UUID, execution: Recorded) -> Write:
    """The write that adds an execution; the table refuses a second one of the same id."""
    return Write(INSERT, {"owner_id": owner, **values_of(execution, NAMES)})


async def list_page(
    session: Session, owner: UUID, wanted: Wanted, *, before: tuple[datetime, str] | None, limit: int
) -> list[Recorded]:
    """List executions, newest first."""
    newest_first = (executions.c.recorded_at.desc(), executions.c.execution_id.desc())
    query = select(*COLUMNS).where(executions.c.owner_id == owner).order_by(*newest_first).limit(limit)
    for name in ("account_id", "order_id", "symbol", "side"):
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(executions.c[name] == value)
    if wanted.since is not None:
        query = query.where(executions.c.recorded_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(executions.c.recorded_at < wanted.until)
    if before is not None:
        query = query.where(tuple_(executions.c.recorded_at, executions.c.execution_id) < before)
    return [Recorded(**row._mapping) for row in await session.execute(query)]

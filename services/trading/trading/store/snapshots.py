"""Daily snapshots, and what moved since the last one."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from quant.markets.listing import Currency
from sqlalchemy import bindparam, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert

from trading.domain.performance import Snapshot
from trading.domain.request import AccountId
from trading.store.rows import columns_of, values_of
from trading.store.tables import snapshots

COLUMNS = columns_of(snapshots, Snapshot)
NAMES = tuple(column.name for column in COLUMNS)
INSERT = insert(snapshots).on_conflict_do_nothing()
NEWEST = (
    select(*COLUMNS)
    .where(
        snapshots.c.owner_id == bindparam("owner"),
        snapshots.c.account_id == bindparam("account_id"),
        snapshots.c.currency == bindparam("currency"),
    )
    .order_by(snapshots.c.session_date.desc())
    .limit(1)
)
# Reads what the partial index `ledger_entries_flows` holds; what lies before a reset is another life.
FLOWS = text(
    """
    WITH moved AS (
        SELECT position, book, movement, amount,
               max(position) FILTER (WHERE movement = 'reset') OVER () AS begins
          FROM ledger_entries
         WHERE owner_id = :owner AND account_id = :account_id AND currency = :currency
           AND position > CAST(:after AS bigint)
           AND (book = 'deposits' OR movement = 'buy' OR movement = 'sell')
    )
    SELECT coalesce(sum(-amount) FILTER (WHERE book = 'deposits' AND amount < 0), 0) AS deposits,
           coalesce(sum(amount) FILTER (WHERE book = 'deposits' AND amount > 0), 0) AS withdrawals,
           coalesce(sum(amount) FILTER (WHERE movement = 'buy' AND book = 'shares'), 0) AS bought,
           coalesce(sum(amount) FILTER (WHERE movement = 'sell' AND book IN ('receivable', 'payable')), 0) AS sold,
           coalesce(max(position), CAST(:after AS bigint)) AS until
      FROM moved WHERE position > coalesce(begins, 0)
    """
)


@dataclass(frozen=True, slots=True)
class Flows:
    """What came in, went out and was traded after a ledger entry, until the newest one."""

    deposits: Decimal
    withdrawals: Decimal
    bought: Decimal
    sold: Decimal
    until: int


async def find_newest(session: Session, owner: UUID, account_id: AccountId, currency: Currency) -> Snapshot | None:
    """Return an account's last snapshot in a currency."""
    given = {"owner": owner, "account_id": account_id, "currency": currency}
    row = (await session.execute(NEWEST, given)).first()
    return Snapshot(**row._mapping) if row else None


async def find_flows(session: Session, owner: UUID, account_id: AccountId, currency: Currency, *, after: int) -> Flows:
    """Add up what moved after a ledger entry. Exact while the account is locked: its entries come in their order."""
    given = {"owner": owner, "account_id": account_id, "currency": currency, "after": after}
    row = (await session.execute(FLOWS, given)).one()
    return Flows(row.deposits, row.withdrawals, row.bought, max(row.sold, Decimal(0)), row.until)


async def save(session: Session, owner: UUID, snapshot: Snapshot) -> None:
    """Write a session's snapshot; the first one stays."""
    await session.execute(INSERT, {"owner_id": owner, **values_of(snapshot, NAMES)})


async def list_course(
    session: Session,
    owner: UUID,
    currency: Currency,
    *,
    account_id: AccountId | None,
    since: datetime | None,
    limit: int,
) -> list[Snapshot]:
    """List the newest snapshots in a currency, of one account or all, oldest first."""
    query = (
        select(*COLUMNS)
        .where(snapshots.c.owner_id == owner, snapshots.c.currency == currency)
        .order_by(snapshots.c.session_date.desc(), snapshots.c.account_id)
        .limit(limit)
    )
    if account_id is not None:
        query = query.where(snapshots.c.account_id == account_id)
    if since is not None:
        query = query.where(snapshots.c.taken_at > since)
    return [Snapshot(**row._mapping) for row in reversed((await session.execute(query)).all())]


async def list_page(
    session: Session,
    owner: UUID,
    *,
    before: tuple[date, UUID, str] | None,
    limit: int,
    account_id: AccountId | None = None,
) -> list[Snapshot]:
    """List snapshots, newest first."""
    key = (snapshots.c.session_date, snapshots.c.account_id, snapshots.c.currency)
    query = (
        select(*COLUMNS).where(snapshots.c.owner_id == owner).order_by(*(column.desc() for column in key)).limit(limit)
    )
    if account_id is not None:
        query = query.where(snapshots.c.account_id == account_id)
    if before is not None:
        query = query.where(tuple_(*key) < before)
    return [Snapshot(**row._mapping) for row in await session.execute(query)]

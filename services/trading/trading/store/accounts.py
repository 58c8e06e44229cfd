"""Accounts and their cash. Whoever locks an account counts it, for those who decide without a lock (store/fills)."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from kit.sql import Statement
from quant.markets.listing import Currency
from sqlalchemy import bindparam, func, insert, literal, select, text, update

from trading.domain.account import Account, Balance
from trading.domain.request import AccountId
from trading.store.rows import columns_of, values_of
from trading.store.tables import accounts, balances

PLATFORM_LOCK = 7_341_400
"""The advisory lock between orders, which share it, and a halt of the whole platform, which wants it alone."""
ZERO = Decimal(0)
COLUMNS = columns_of(accounts, Account)
BALANCE_COLUMNS = columns_of(balances, Balance)
NAMES = tuple(column.name for column in COLUMNS)

ONE = select(*COLUMNS).where(accounts.c.owner_id == bindparam("owner"), accounts.c.id == bindparam("account_id"))
COUNTED = {"revision": accounts.c.revision + 1}
_LOCK = (
    update(accounts)
    .where(accounts.c.owner_id == bindparam("owner"), accounts.c.id == bindparam("account_id"))
    .values(COUNTED)
    .returning(*COLUMNS)
)
LOCKED = Statement(_LOCK)
# The shared lock is taken just before the row's: while any order is being decided nobody can halt the platform, and the
# other way round. Halts are read in a later statement, so what was committed before the lock is seen.
_platform = (
    select(literal(1).label("held")).select_from(func.pg_advisory_xact_lock_shared(PLATFORM_LOCK)).cte("platform")
)
LOCKED_TO_TRADE = Statement(_LOCK.where(_platform.c.held == 1))
# Of a busy account nobody waits here: its order goes by itself, and holds up none of the others.
_free = (
    select(accounts.c.id)
    .select_from(_platform)
    .where(accounts.c.owner_id == bindparam("owner"), accounts.c.id == bindparam("account_id"))
    .with_for_update(of=accounts, key_share=True, skip_locked=True)
    .cte("free")
)
LOCKED_IF_FREE = Statement(_LOCK.where(accounts.c.id == _free.c.id))
# Locked before they are counted, since an UPDATE has no sequence of its own.
_sequence = (
    select(accounts.c.id)
    .where(accounts.c.owner_id == bindparam("owner"))
    .order_by(accounts.c.id)
    .with_for_update(key_share=True)
    .cte("in_sequence")
)
LOCKED_ALL = Statement(
    update(accounts)
    .where(accounts.c.owner_id == bindparam("owner"), accounts.c.id == _sequence.c.id)
    .values(COUNTED)
    .returning(*COLUMNS)
)
INSERT = insert(accounts)
HALTED = (
    update(accounts)
    .where(accounts.c.owner_id == bindparam("owner"), accounts.c.id == bindparam("account_id"))
    .values(trading_halted=bindparam("halted"))
)
RESET_AT = select(accounts.c.reset_at).where(
    accounts.c.owner_id == bindparam("owner"), accounts.c.id == bindparam("account_id")
)
RESET = (
    update(accounts)
    .where(accounts.c.owner_id == bindparam("owner"), accounts.c.id == bindparam("account"))
    .values(reset_at=bindparam("at"))
)
LOCK_OWNER = text("SELECT pg_advisory_xact_lock(hashtextextended('accounts:' || :owner, 0))")
COUNT = select(func.count()).select_from(accounts).where(accounts.c.owner_id == bindparam("owner"))
BALANCES = (
    select(*BALANCE_COLUMNS)
    .where(balances.c.owner_id == bindparam("owner"), balances.c.account_id == bindparam("account_id"))
    .order_by(balances.c.currency)
)
ALL_BALANCES = select(*BALANCE_COLUMNS).where(balances.c.owner_id == bindparam("owner"))


async def find(session: Session, owner: UUID, account_id: AccountId) -> Account | None:
    """Return an account of this owner."""
    row = (await session.execute(ONE, {"owner": owner, "account_id": account_id})).first()
    return Account(**row._mapping) if row else None


async def lock(session: Session, owner: UUID, account_id: AccountId) -> Account | None:
    """Return an account and keep everybody else from changing what is in it."""
    row = await LOCKED.first(session, {"owner": owner, "account_id": account_id})
    return Account(**row) if row else None


async def lock_to_trade(session: Session, owner: UUID, account_id: AccountId) -> Account | None:
    """Lock an account for one more order; no halt of the platform can slip in between."""
    row = await LOCKED_TO_TRADE.first(session, {"owner": owner, "account_id": account_id})
    return Account(**row) if row else None


async def lock_free_to_trade(session: Session, owners: Mapping[AccountId, UUID]) -> dict[AccountId, Account]:
    """Lock accounts, each of its owner, for one more order: those that are there, and that nobody else has locked.

    In the sequence of their ids, as everybody does who locks several.
    """
    asked = [{"owner": owners[account_id], "account_id": account_id} for account_id in sorted(owners)]
    rows = await LOCKED_IF_FREE.many(session, asked)
    return {row.id: Account(**row) for row in rows}


async def lock_all(session: Session, owner: UUID) -> list[Account]:
    """Lock every account of an owner, always in the same sequence."""
    locked = [Account(**row) for row in await LOCKED_ALL.all(session, {"owner": owner})]
    return sorted(locked, key=lambda account: account.id)


async def save_halted(session: Session, owner: UUID, account_id: AccountId, *, halted: bool) -> None:
    """Show on an account whether it is halted itself."""
    given = {"owner": owner, "account_id": account_id, "halted": halted}
    await session.execute(HALTED, given)


async def lock_count(session: Session, owner: UUID) -> int:
    """Count an owner's accounts, and keep the number as it is until the transaction ends."""
    await session.execute(LOCK_OWNER, {"owner": str(owner)})
    return int(await session.scalar(COUNT, {"owner": owner}) or 0)


async def save(session: Session, owner: UUID, account: Account) -> None:
    """Add an account."""
    await session.execute(INSERT, {"owner_id": owner, **values_of(account, NAMES)})


async def list_page(session: Session, owner: UUID, *, before: UUID | None, limit: int) -> list[Account]:
    """List accounts, newest first: ids are made in the order of time."""
    query = select(*COLUMNS).where(accounts.c.owner_id == owner).order_by(accounts.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(accounts.c.id < before)
    return [Account(**row._mapping) for row in await session.execute(query)]


async def find_balance(session: Session, owner: UUID, account_id: AccountId, currency: Currency) -> Balance:
    """Return the cash of one currency: nothing, when there never was any."""
    for balance in await list_balances(session, owner, account_id):
        if balance.currency == currency:
            return balance
    return Balance(account_id=account_id, currency=currency, available=ZERO, held=ZERO)


async def save_reset(session: Session, owner: UUID, account_id: AccountId, at: datetime) -> None:
    """Remember when an account began anew. It is locked."""
    await session.execute(RESET, {"owner": owner, "account": account_id, "at": at})


async def find_reset(session: Session, owner: UUID, account_id: AccountId) -> datetime | None:
    """Return when an account last began anew, if it ever did."""
    found: datetime | None = await session.scalar(RESET_AT, {"owner": owner, "account_id": account_id})
    return found


async def list_ids(session: Session, owner: UUID) -> list[AccountId]:
    """List the ids of an owner's accounts: there are few."""
    query = select(accounts.c.id).where(accounts.c.owner_id == owner).order_by(accounts.c.id)
    return [AccountId(found) for found in await session.scalars(query)]


async def list_balances(session: Session, owner: UUID, account_id: AccountId | None = None) -> list[Balance]:
    """List the cash of one account, or of all."""
    if account_id is None:
        rows = await session.execute(ALL_BALANCES, {"owner": owner})
    else:
        rows = await session.execute(BALANCES, {"owner": owner, "account_id": account_id})
    return [Balance(**row._mapping) for row in rows]

"""What has no owner, or every owner: the platform's kill switch, waiting orders, jobs; for the worker role alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from kit.db import Session
from quant.markets.listing import Currency
from sqlalchemy import ARRAY, Uuid, and_, any_, bindparam, desc, func, or_, select, text, tuple_, union_all, update
from sqlalchemy.dialects.postgresql import insert

from trading.domain.halt import Halt, HaltMode
from trading.domain.order import Order, Status
from trading.domain.request import AccountId, OrderId
from trading.domain.signal import SignalStatus
from trading.store.accounts import PLATFORM_LOCK
from trading.store.automation_tables import automations, signals, trips
from trading.store.orders import Waiting, order_of
from trading.store.tables import (
    accounts,
    balances,
    dead_men,
    is_open,
    jobs,
    leavers,
    orders,
    positions,
    snapshots,
    unsettled,
)

PAGE: Final = 500
ERASED = select(leavers.c.owner_id).where(leavers.c.erased_at.is_not(None))
"""People who left: their books stay as they are, and nothing new is computed from them."""
AWAITED: Final = frozenset({Status.SUBMITTED, Status.PENDING_CANCEL, Status.PENDING_REPLACE, Status.UNKNOWN})
"""Statuses that a broker's answer ends within seconds. An accepted order may rest as long as it likes."""
LIST_HALTS = text(
    "SELECT NULL AS broker, mode, reason, halted_at FROM platform_halt"
    " UNION ALL SELECT broker, mode, reason, halted_at FROM broker_halts ORDER BY broker NULLS FIRST"
)
LOCK = text("SELECT pg_advisory_xact_lock(:key)")
SAVE_HALT = text(
    "INSERT INTO platform_halt (mode, reason, halted_by, halted_at) VALUES (:mode, :reason, :by, :at)"
    " ON CONFLICT (only_one) DO UPDATE SET mode = excluded.mode, reason = excluded.reason,"
    " halted_by = excluded.halted_by, halted_at = excluded.halted_at"
)
SAVE_BROKER_HALT = text(
    "INSERT INTO broker_halts (broker, mode, reason, halted_by, halted_at) VALUES (:broker, :mode, :reason, :by, :at)"
    " ON CONFLICT (broker) DO UPDATE SET mode = excluded.mode, reason = excluded.reason,"
    " halted_by = excluded.halted_by, halted_at = excluded.halted_at"
)
CLOCK = text("SELECT clock_timestamp()")
LEARN = text("SELECT learn_tables()")
DELETE_HALT = text("DELETE FROM platform_halt")
DELETE_BROKER_HALT = text("DELETE FROM broker_halts WHERE broker = :broker")
ANSWERS_KEPT: Final = timedelta(hours=48)
DELETE_ANSWERS = text("DELETE FROM idempotency_keys WHERE created_at < :before")
WAITING = text(
    "SELECT id, updated_at FROM orders WHERE status = 'held' AND triggered_at IS NULL ORDER BY id LIMIT :most"
)
WAITING_ONES = select(orders).where(
    orders.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))), orders.c.status == Status.HELD
)
THESE = text(
    "SELECT o.* FROM unnest(CAST(:owners AS uuid[]), CAST(:ids AS uuid[])) AS wanted (owner_id, id)"
    " JOIN orders o USING (owner_id, id)"
)
OPEN_UNDER_HALT = text(
    "SELECT DISTINCT o.owner_id, o.account_id FROM orders o"
    " JOIN accounts a ON a.owner_id = o.owner_id AND a.id = o.account_id"
    " WHERE o.status IN ('accepted', 'held', 'partially_filled', 'pending_replace', 'submitted', 'unknown')"
    " AND (NOT :only_buys OR o.side = 'buy')"
    " AND (CAST(:broker AS text) IS NULL OR a.broker = :broker) LIMIT :most"
)


async def list_halts(session: Session) -> list[Halt]:
    """List the switches that are thrown for many: first the platform's, then those of brokers."""
    return [
        Halt(
            level="broker" if row.broker else "global",
            scope_id=None,
            broker=row.broker,
            mode=HaltMode(row.mode),
            reason=row.reason,
            halted_at=row.halted_at,
        )
        for row in await session.execute(LIST_HALTS)
    ]


async def save_halt(session: Session, halt: Halt, by: UUID) -> None:
    """Throw a switch of many, when no order is being decided: what commits after it has seen it."""
    await session.execute(LOCK, {"key": PLATFORM_LOCK})
    given = {"mode": halt.mode, "reason": halt.reason, "by": by, "at": halt.halted_at}
    if halt.broker is None:
        await session.execute(SAVE_HALT, given)
    else:
        await session.execute(SAVE_BROKER_HALT, {"broker": halt.broker, **given})


async def delete_halt(session: Session, halt: Halt) -> None:
    """Release a switch of many."""
    if halt.broker is None:
        await session.execute(DELETE_HALT)
    else:
        await session.execute(DELETE_BROKER_HALT, {"broker": halt.broker})


async def learn_tables(session: Session) -> int:
    """Have tables analyzed that are five times as large as when they last were; how many they are."""
    return int(await session.scalar(LEARN) or 0)


async def list_waiting(session: Session, *, most: int) -> dict[OrderId, datetime]:
    """List the orders that wait for a price, and when each was last changed."""
    rows = await session.execute(WAITING, {"most": most})
    return {OrderId(row.id): row.updated_at for row in rows}


async def read_waiting(session: Session, order_ids: Sequence[OrderId]) -> list[Waiting]:
    """Read those of these orders that wait for a price."""
    rows = await session.execute(WAITING_ONES, {"ids": list(order_ids)})
    return [Waiting(row.owner_id, order_of(row)) for row in rows]


async def read_orders(session: Session, wanted: Sequence[tuple[UUID, OrderId]]) -> dict[tuple[UUID, OrderId], Order]:
    """Read orders of several owners, each by both ids; those that are not there are missing."""
    given = {"owners": [owner for owner, _ in wanted], "ids": [order_id for _, order_id in wanted]}
    rows = await session.execute(THESE, given)
    return {(row.owner_id, OrderId(row.id)): order_of(row) for row in rows}


async def list_accounts_to_clear(session: Session, halt: Halt, *, most: int) -> Sequence[tuple[UUID, AccountId]]:
    """List accounts with open orders under a halt of many that are not being canceled yet."""
    only_buys = halt.mode is HaltMode.REDUCE_ONLY
    given = {"only_buys": only_buys, "broker": halt.broker, "most": most}
    return [(row.owner_id, AccountId(row.account_id)) for row in await session.execute(OPEN_UNDER_HALT, given)]


@dataclass(frozen=True, slots=True)
class Silent:
    """An order whose broker should have answered by now."""

    owner: UUID
    order_id: OrderId
    account_id: AccountId
    status: str
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class Whose:
    """An account and its owner."""

    owner: UUID
    account_id: AccountId


@dataclass(frozen=True, slots=True)
class Due:
    """What an account has to settle in one currency; its newest symbol's quotes tell how far a replay has come."""

    owner: UUID
    account_id: AccountId
    currency: Currency
    settles_on: date
    symbol: str
    replayed: bool


async def list_dead_men(session: Session) -> list[Whose]:
    """List a page of accounts whose heartbeat is overdue, by the database's clock."""
    due = (
        select(dead_men.c.owner_id, dead_men.c.account_id)
        .where(dead_men.c.due_at <= func.clock_timestamp())
        .order_by(dead_men.c.due_at)
        .limit(PAGE)
    )
    return [Whose(row.owner_id, AccountId(row.account_id)) for row in await session.execute(due)]


async def read_clock(session: Session) -> datetime:
    """Return what time it is by the one clock that all processes share."""
    read: datetime = (await session.execute(CLOCK)).scalar_one()
    return read


async def list_leavers(session: Session) -> list[UUID]:
    """List who has left and is not forgotten yet, first those who left first."""
    waiting = select(leavers.c.owner_id).where(leavers.c.erased_at.is_(None)).order_by(leavers.c.left_at).limit(PAGE)
    return list((await session.execute(waiting)).scalars())


async def list_accounts(session: Session, after: Whose | None) -> list[Whose]:
    """List a page of all accounts of all owners, in a fixed line."""
    query = select(accounts.c.owner_id, accounts.c.id).order_by(accounts.c.owner_id, accounts.c.id).limit(PAGE)
    if after is not None:
        query = query.where(tuple_(accounts.c.owner_id, accounts.c.id) > (after.owner, after.account_id))
    return [Whose(row.owner_id, row.id) for row in await session.execute(query)]


async def list_unsettled(session: Session, after: Due | None) -> list[Due]:
    """List a page of everything that has to settle, earliest first."""
    key = (unsettled.c.settles_on, unsettled.c.owner_id, unsettled.c.account_id, unsettled.c.currency)
    query = select(*key, unsettled.c.symbol, unsettled.c.replayed).order_by(*key).limit(PAGE)
    query = query.where(unsettled.c.owner_id.not_in(ERASED))
    if after is not None:
        query = query.where(tuple_(*key) > (after.settles_on, after.owner, after.account_id, after.currency))
    rows = await session.execute(query)
    return [Due(row.owner_id, row.account_id, row.currency, row.settles_on, row.symbol, row.replayed) for row in rows]


async def list_without_snapshot(
    session: Session, currency: Currency, day: date, closed_at: datetime, after: Whose | None
) -> list[Whose]:
    """List a page of accounts that had money in a currency by the close of a session and have no snapshot of it."""
    taken = and_(
        snapshots.c.owner_id == balances.c.owner_id,
        snapshots.c.account_id == balances.c.account_id,
        snapshots.c.currency == balances.c.currency,
        snapshots.c.session_date == day,
    )
    key = (balances.c.owner_id, balances.c.account_id)
    query = (
        select(*key)
        .join(accounts, and_(accounts.c.owner_id == balances.c.owner_id, accounts.c.id == balances.c.account_id))
        .outerjoin(snapshots, taken)
        .where(balances.c.currency == currency, snapshots.c.session_date.is_(None))
        .where(accounts.c.created_at <= closed_at, accounts.c.owner_id.not_in(ERASED))
        .order_by(*key)
        .limit(PAGE)
    )
    if after is not None:
        query = query.where(tuple_(*key) > (after.owner, after.account_id))
    return [Whose(row.owner_id, row.account_id) for row in await session.execute(query)]


async def list_holders(session: Session, symbol: str) -> list[Whose]:
    """List every account that has shares of an instrument."""
    query = (
        select(positions.c.owner_id, positions.c.account_id)
        .where(positions.c.symbol == symbol, positions.c.quantity > 0, positions.c.owner_id.not_in(ERASED))
        .order_by(positions.c.owner_id, positions.c.account_id)
    )
    return [Whose(row.owner_id, row.account_id) for row in await session.execute(query)]


async def list_wanted(session: Session) -> dict[str, int]:
    """Return the symbols that open orders and automations need prices of, the most needed first, and by how many."""
    ordered = select(orders.c.symbol).where(is_open())
    automated = select(func.unnest(automations.c.symbols)).where(automations.c.status != "stopped")
    chosen = [
        select(table.c.symbol).join(
            automations,
            (automations.c.owner_id == table.c.owner_id)
            & (automations.c.id == table.c.automation_id)
            & (func.cardinality(automations.c.symbols) == 0),
        )
        for table in (signals, trips)
    ]
    asked = chosen[0].where(signals.c.status.in_([SignalStatus.ASKED, SignalStatus.WAITING]))
    needed = union_all(ordered, automated, asked, chosen[1].where(trips.c.closed_at.is_(None))).subquery("needed")
    counted = select(needed.c.symbol, func.count().label("count")).group_by(needed.c.symbol)
    rows = await session.execute(counted.order_by(desc("count"), needed.c.symbol).limit(PAGE))
    return {row[0]: row[1] for row in rows}


async def count_open(session: Session) -> dict[str, tuple[int, datetime]]:
    """Return, for each status of open orders, how many there are, and since when the oldest is in it."""
    query = select(orders.c.status, func.count(), func.min(orders.c.updated_at)).where(is_open())
    return {row[0]: (row[1], row[2]) for row in await session.execute(query.group_by(orders.c.status))}


async def find_silent_since(session: Session) -> datetime | None:
    """Return since when nothing was heard of the order that has waited longest for its broker's answer."""
    waiting = select(func.min(orders.c.updated_at)).where(is_open(), orders.c.status.in_(sorted(AWAITED)))
    found: datetime | None = await session.scalar(waiting)
    return found


async def list_silent(session: Session, *, heard_after: datetime, heard_until: datetime) -> list[Silent]:
    """List orders that have waited for their broker's answer since a stretch of time: those that became too old."""
    query = (
        select(orders.c.owner_id, orders.c.id, orders.c.account_id, orders.c.status, orders.c.updated_at)
        .where(is_open(), orders.c.status.in_(sorted(AWAITED)))
        .where(orders.c.updated_at > heard_after, orders.c.updated_at <= heard_until)
        .order_by(orders.c.updated_at)
        .limit(PAGE)
    )
    return [Silent(*row) for row in await session.execute(query)]


async def lock_job(session: Session, name: str, now: datetime, every: timedelta) -> bool:
    """Take a job that began longer ago than its period; of any number of workers, one gets True.

    One that began in the future did so by a clock that was wrong, and is due.
    """
    claim = (
        insert(jobs)
        .values(name=name, started_at=now)
        .on_conflict_do_update(
            index_elements=["name"],
            set_={"started_at": now},
            where=or_(jobs.c.started_at <= now - every, jobs.c.started_at > now),
        )
        .returning(jobs.c.name)
    )
    return await session.scalar(claim) is not None


async def save_job(session: Session, name: str, outcome: str, now: datetime) -> None:
    """Remember that a job came to its end."""
    await session.execute(update(jobs).where(jobs.c.name == name).values(finished_at=now, outcome=outcome))


async def find_job_end(session: Session, name: str) -> datetime | None:
    """Return when a job last came to its end."""
    found: datetime | None = await session.scalar(
        select(jobs.c.finished_at).where(jobs.c.name == bindparam("name")), {"name": name}
    )
    return found


async def delete_old_answers(session: Session, now: datetime) -> None:
    """Forget what was answered under an `Idempotency-Key` two days ago."""
    await session.execute(DELETE_ANSWERS, {"before": now - ANSWERS_KEPT})

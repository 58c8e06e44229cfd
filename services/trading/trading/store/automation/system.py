"""Automations of all owners: what is due, what waits, and who may work it off. For the worker role alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Generic, TypeVar
from uuid import UUID

from kit.db import Session
from kit.json import dumps_text
from kit.sql import Statement
from quant.markets.intervals import Interval
from sqlalchemy import delete, func, select, text

from trading.domain.automation import Automation, AutomationId, Phase
from trading.domain.hook import Hook, HookId
from trading.domain.order import OPEN
from trading.domain.signal import Signal, SignalStatus
from trading.domain.trip import Trip
from trading.store.automation_tables import (
    automation_runs,
    automations,
    hook_alerts,
    hooks,
    signals,
    strategies,
    trips,
)
from trading.store.automations import COLUMNS as AUTOMATION_COLUMNS
from trading.store.automations import automation_of
from trading.store.hooks import COLUMNS as HOOK_COLUMNS
from trading.store.signals import COLUMNS as SIGNAL_COLUMNS
from trading.store.signals import TRIP_COLUMNS, signal_of, trip_of

RUNS_AT_ONCE: Final = 2_000
PENDING_MAX: Final = 10_000
RUNS_KEPT: Final = timedelta(days=90)
CHANNEL: Final = "automations_due"
"""Where a worker that has written down due runs wakes the one that works them off."""

TAKE_LEASE = text(
    """
    INSERT INTO leases (name, epoch, taken_at) VALUES (:name, 1, :now)
    ON CONFLICT (name) DO UPDATE SET epoch = leases.epoch + 1, taken_at = :now RETURNING epoch
    """
)
DUE_BY_BARS = Statement(
    text(
        """
        INSERT INTO automation_runs (owner_id, automation_id, phase, symbol, scheduled_at, due_at, status)
        SELECT a.owner_id, a.id, 'evaluate', CASE WHEN cardinality(a.symbols) = 0 THEN '*' ELSE bar.symbol END,
               bar.scheduled_at, bar.due_at, 'due'
          FROM unnest(CAST(:markets AS text[]), CAST(:symbols AS text[]), CAST(:intervals AS text[]),
                      CAST(:scheduled AS timestamptz[]), CAST(:due AS timestamptz[]))
               AS bar (market, symbol, interval, scheduled_at, due_at)
          JOIN automations a ON a.interval = bar.interval AND a.market = bar.market
                            AND (bar.symbol = ANY(a.symbols) OR cardinality(a.symbols) = 0)
         WHERE a.status <> 'stopped' AND a.version IS NOT NULL
        ON CONFLICT DO NOTHING
        """
    )
)
DUE_BY_CLOCK = text(
    """
    INSERT INTO automation_runs (owner_id, automation_id, phase, symbol, scheduled_at, due_at, status)
    SELECT owner_id, id, :phase, '', :at, :at, 'due' FROM automations
     WHERE status <> 'stopped' AND market = :market AND changed_at <= :at
    ON CONFLICT DO NOTHING
    """
)
SETTLE_QUIET = text(
    """
    UPDATE automation_runs r
       SET status = given.status, outcome = CAST(given.outcome AS jsonb), epoch = :epoch, settled_at = :now
      FROM unnest(CAST(:owners AS uuid[]), CAST(:automations AS uuid[]), CAST(:phases AS text[]),
                  CAST(:symbols AS text[]), CAST(:scheduled AS timestamptz[]), CAST(:statuses AS text[]),
                  CAST(:outcomes AS text[]))
           AS given(owner_id, automation_id, phase, symbol, scheduled_at, status, outcome)
     WHERE r.owner_id = given.owner_id AND r.automation_id = given.automation_id AND r.phase = given.phase
       AND r.symbol = given.symbol AND r.scheduled_at = given.scheduled_at AND r.status = 'due'
       AND (SELECT epoch FROM leases WHERE name = :lease) = :epoch
    RETURNING r.automation_id
    """
)
_OPEN = ", ".join(f"'{status}'" for status in sorted(OPEN))
CHANGED_TRIPS = text(
    f"""
    SELECT t.id FROM trips t
      JOIN signals s ON s.owner_id = t.owner_id AND s.trip_id = t.id
      JOIN orders o ON o.owner_id = s.owner_id AND o.id = s.order_id
     WHERE t.closed_at IS NULL
     GROUP BY t.id, t.peak_price
    HAVING (t.peak_price IS NULL AND sum(o.filled_quantity) > 0)
        OR (NOT bool_or(o.status IN ({_OPEN}))
            AND sum(CASE WHEN o.side = 'buy' THEN o.filled_quantity ELSE -o.filled_quantity END) = 0)
    """  # noqa: S608 - the statuses are our own
)
HELD = Statement(text(f"SELECT automation_id, symbol FROM trips WHERE closed_at IS NULL LIMIT {PENDING_MAX}"))  # noqa: S608
WAKE = Statement(text(f"SELECT pg_notify('{CHANNEL}', '')"))


@dataclass(frozen=True, slots=True)
class DueRun:
    """One due run: whose, of which automation with which strategy, what for, and since when."""

    owner: UUID
    automation: Automation
    document: dict[str, Any] | None
    phase: Phase
    symbol: str
    scheduled_at: datetime
    due_at: datetime


Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Owned(Generic[Thing]):
    """Something, whose it is, and the automation and strategy it belongs to."""

    owner: UUID
    thing: Thing
    automation: Automation
    document: dict[str, Any] | None


async def take_lease(session: Session, name: str, now: datetime) -> int:
    """Begin a new epoch of a lease; whoever had the one before can write no more."""
    return int(await session.scalar(TAKE_LEASE, {"name": name, "now": now}) or 0)


@dataclass(frozen=True, slots=True)
class ClosedBar:
    """A bar that has closed: when it began, and when that was told."""

    market: str
    symbol: str
    interval: Interval
    start: datetime
    told_at: datetime


async def save_due_by_bars(session: Session, bars: Sequence[ClosedBar]) -> int:
    """Write down the runs that closed bars make due: each once, however often it is told."""
    given = {
        "markets": [bar.market for bar in bars],
        "symbols": [bar.symbol for bar in bars],
        "intervals": [bar.interval for bar in bars],
        "scheduled": [bar.start for bar in bars],
        "due": [bar.told_at for bar in bars],
    }
    return await DUE_BY_BARS.count(session, given)


async def save_due_by_clock(session: Session, market: str, phase: Phase, at: datetime) -> int:
    """Write down the runs that a moment of the day makes due: each once, whatever the clock does afterwards."""
    return int((await session.execute(DUE_BY_CLOCK, {"market": market, "phase": phase, "at": at})).rowcount)


async def wake(session: Session) -> None:
    """Tell the worker that works off, when this commits."""
    await WAKE.value(session, {})


async def list_due(session: Session) -> list[DueRun]:
    """List what is due, what has waited longest first. Whatever is written down is: its time has come by some clock."""
    r, s = automation_runs.c, strategies.c
    query = (
        select(r.owner_id, r.phase, r.symbol, r.scheduled_at, r.due_at, s.document, *AUTOMATION_COLUMNS)
        .join(automations, (automations.c.owner_id == r.owner_id) & (automations.c.id == r.automation_id))
        .outerjoin(
            strategies,
            (s.owner_id == r.owner_id)
            & (s.strategy_id == automations.c.strategy_id)
            & (s.version == automations.c.version),
        )
        .where(r.status == "due")
        .order_by(r.due_at)
        .limit(RUNS_AT_ONCE)
    )
    return [
        DueRun(
            row.owner_id, automation_of(row), row.document, Phase(row.phase), row.symbol, row.scheduled_at, row.due_at
        )
        for row in await session.execute(query)
    ]


async def settle_quiet(
    session: Session,
    settled: Sequence[tuple[DueRun, str, dict[str, Any]]],
    lease: tuple[str, int],
    now: datetime,
) -> int:
    """Write down runs after which nothing happens, in one statement; return how many were still due and ours."""
    runs = [run for run, _, _ in settled]
    given = {
        "owners": [run.owner for run in runs],
        "automations": [run.automation.id for run in runs],
        "phases": [run.phase.value for run in runs],
        "symbols": [run.symbol for run in runs],
        "scheduled": [run.scheduled_at for run in runs],
        "statuses": [status for _, status, _ in settled],
        "outcomes": [dumps_text(outcome) for _, _, outcome in settled],
        "lease": lease[0],
        "epoch": lease[1],
        "now": now,
    }
    return len((await session.execute(SETTLE_QUIET, given)).all())


async def list_followers(session: Session, market: str) -> dict[UUID, list[str]]:
    """List what the automations on a market are called that are not stopped, by owner."""
    columns, c = (automations.c.owner_id, automations.c.name), automations.c
    query = select(*columns).where(c.market == market, c.status != "stopped").order_by(c.owner_id, c.id)
    found: dict[UUID, list[str]] = {}
    for row in await session.execute(query):
        found.setdefault(row.owner_id, []).append(row.name)
    return found


async def list_open_trips(session: Session) -> list[Owned[Trip]]:
    """List everything that automations have."""
    return [_owned(row, trip_of(_Renamed(row, "t_"))) for row in await session.execute(_joined(trips, TRIP_COLUMNS))]


async def list_held(session: Session) -> set[tuple[AutomationId, str]]:
    """List what automations have something of: each with the symbol."""
    return {(AutomationId(row.automation_id), row.symbol) for row in await HELD.all(session, {})}


async def list_changed_trips(session: Session) -> set[UUID]:
    """List the open trips whose orders have come to something: filled but not protected yet, or at their end."""
    return set(await session.scalars(CHANGED_TRIPS))


async def list_pending(session: Session) -> list[Owned[Signal]]:
    """List the signals that nothing has become of yet, oldest first."""
    query = _joined(signals, SIGNAL_COLUMNS)
    return [_owned(row, signal_of(_Renamed(row, "t_"))) for row in await session.execute(query)]


async def delete_old_runs(session: Session, now: datetime) -> None:
    """Forget runs that were settled long ago."""
    old = automation_runs.c.settled_at < now - RUNS_KEPT
    await session.execute(delete(automation_runs).where(automation_runs.c.status != "due", old))


@dataclass(frozen=True, slots=True)
class _Renamed:
    """A row whose columns of one table are read without their prefix."""

    row: Any
    prefix: str

    @property
    def _mapping(self) -> "dict[str, Any]":
        found = self.row._mapping
        return {name.removeprefix(self.prefix): found[name] for name in found if name.startswith(self.prefix)}


def _owned(row: Any, thing: Thing) -> Owned[Thing]:
    return Owned(row.owner_id, thing, automation_of(row), row.document)


def _joined(table: Any, columns: Sequence[Any]) -> Any:
    """A table's open rows, each with its automation and strategy."""
    renamed = [column.label(f"t_{column.name}") for column in columns]
    is_open = (
        table.c.closed_at.is_(None)
        if table is trips
        else table.c.status.in_([SignalStatus.ASKED, SignalStatus.WAITING])
    )
    s = strategies.c
    return (
        select(table.c.owner_id, s.document, *renamed, *AUTOMATION_COLUMNS)
        .join(automations, (automations.c.owner_id == table.c.owner_id) & (automations.c.id == table.c.automation_id))
        .outerjoin(
            strategies,
            (s.owner_id == table.c.owner_id)
            & (s.strategy_id == automations.c.strategy_id)
            & (s.version == automations.c.version),
        )
        .where(is_open)
        .order_by(table.c.id)
        .limit(PENDING_MAX)
    )


async def find_hook(session: Session, hook_id: HookId) -> tuple[UUID, Hook] | None:
    """Return a hook by its address alone, and whose it is: the secret in the message proves the rest."""
    query = select(hooks.c.owner_id, *HOOK_COLUMNS).where(hooks.c.id == hook_id)
    row = (await session.execute(query)).first()
    if row is None:
        return None
    values = dict(row._mapping)
    return values.pop("owner_id"), Hook(**values)


async def list_queued(session: Session) -> list[tuple[UUID, HookId, str, dict[str, Any]]]:
    """List the alerts that wait to be taken, oldest first: owner, hook, key and body."""
    a = hook_alerts.c
    query = select(a.owner_id, a.hook_id, a.alert_key, a.body).where(a.status == "queued")
    rows = await session.execute(query.order_by(a.received_at).limit(RUNS_AT_ONCE))
    return [(row.owner_id, HookId(row.hook_id), row.alert_key, row.body) for row in rows]


async def list_expected(session: Session, now: datetime) -> list[tuple[UUID, HookId]]:
    """List the hooks of automations at work that were expected to be heard by now, sessions aside."""
    h = hooks.c
    silent = now - func.coalesce(h.heard_at, h.created_at) > func.make_interval(0, 0, 0, 0, 0, h.expected_every_minutes)
    at_work = (automations.c.owner_id == h.owner_id) & (automations.c.id == h.automation_id)
    query = select(h.owner_id, h.id).join(automations, at_work).where(automations.c.status == "running", silent)
    return [(row.owner_id, HookId(row.id)) for row in await session.execute(query.limit(RUNS_AT_ONCE))]

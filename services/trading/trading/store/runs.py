"""Due runs of one owner's automations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session
from kit.sql import Statement
from sqlalchemy import bindparam, func, select, tuple_, update

from trading.domain.automation import AutomationId, Phase
from trading.store.automation_tables import automation_runs as runs
from trading.store.automation_tables import leases

LEASE = "automations"
SETTLED = ("status", "outcome", "epoch", "settled_at")
SETTLE = Statement(
    update(runs)
    .where(
        runs.c.owner_id == bindparam("owner"),
        runs.c.automation_id == bindparam("automation"),
        runs.c.phase == bindparam("of_phase"),
        runs.c.symbol == bindparam("of_symbol"),
        runs.c.scheduled_at == bindparam("of_bar"),
        runs.c.status == "due",
        select(leases.c.epoch).where(leases.c.name == LEASE).scalar_subquery() == bindparam("new_epoch"),
    )
    .values({name: bindparam(f"new_{name}") for name in SETTLED})
)


@dataclass(frozen=True, slots=True)
class Run:
    """What has become of one due run."""

    phase: Phase
    symbol: str
    scheduled_at: datetime
    due_at: datetime
    status: str
    outcome: dict[str, Any] | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a run ends, and in which epoch of the lease whoever says so works."""

    status: str
    outcome: dict[str, Any]
    epoch: int


async def settle(
    session: Session,
    owner: UUID,
    automation_id: AutomationId,
    run: tuple[Phase, str, datetime],
    end: Settlement,
    now: datetime,
) -> bool:
    """End a due run, once; False when it has ended already, or when a later epoch has begun."""
    phase, symbol, scheduled_at = run
    place = {"of_phase": phase, "of_symbol": symbol, "of_bar": scheduled_at}
    ended = {"new_status": end.status, "new_outcome": end.outcome, "new_epoch": end.epoch, "new_settled_at": now}
    return await SETTLE.count(session, {"owner": owner, "automation": automation_id} | place | ended) == 1


async def list_page(
    session: Session, owner: UUID, automation_id: AutomationId, *, after: tuple[datetime, str, str] | None, limit: int
) -> list[Run]:
    """List an automation's runs, the latest due first; `after` is due time, phase and symbol of the page before."""
    mine = (runs.c.owner_id == owner, runs.c.automation_id == automation_id)
    place = (runs.c.due_at, runs.c.phase, runs.c.symbol)
    query = select(*(runs.c[name] for name in Run.__slots__)).where(*mine)
    if after is not None:
        query = query.where(tuple_(*place) < after)
    rows = await session.execute(query.order_by(*(column.desc() for column in place)).limit(limit))
    return [Run(**{**row._mapping, "phase": Phase(row.phase)}) for row in rows]


async def list_evaluated(
    session: Session, owner: UUID, automation_id: AutomationId, since: datetime, until: datetime
) -> list[Run]:
    """List the runs about bars that closed within a time."""
    mine = (runs.c.owner_id == owner, runs.c.automation_id == automation_id, runs.c.phase == Phase.EVALUATE)
    query = select(*(runs.c[name] for name in Run.__slots__)).where(*mine, runs.c.scheduled_at.between(since, until))
    rows = await session.execute(query.order_by(runs.c.scheduled_at, runs.c.symbol))
    return [Run(**{**row._mapping, "phase": Phase(row.phase)}) for row in rows]


async def count_evaluated(session: Session, owner: UUID, automation_id: AutomationId, since: datetime) -> int:
    """Count the bars that were looked at since a moment."""
    mine = (runs.c.owner_id == owner, runs.c.automation_id == automation_id, runs.c.phase == Phase.EVALUATE)
    query = select(func.count()).select_from(runs).where(*mine, runs.c.status == "done", runs.c.due_at >= since)
    return int(await session.scalar(query) or 0)

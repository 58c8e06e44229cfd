"""Automations, and the published strategies they follow."""

from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session
from kit.sql import Statement
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from trading.domain.automation import Automation, AutomationId, Status
from trading.domain.request import AccountId
from trading.store.automation_tables import automation_runs, automations, hooks, strategies, trips
from trading.store.rows import columns_of, values_of

COLUMNS = columns_of(automations, Automation)
NAMES = tuple(column.name for column in COLUMNS)
CHANGING = ("status", "reason", "cool_off_until", "changed_at")
_ONE = select(*COLUMNS).where(automations.c.owner_id == bindparam("owner"), automations.c.id == bindparam("automation"))
ONE, LOCKED = Statement(_ONE), Statement(_ONE.with_for_update())


def automation_of(row: Any) -> Automation:
    """Return the automation of a row that has all of its columns."""
    values = {name: row._mapping[name] for name in NAMES}
    given = {"symbols": tuple(values["symbols"]), "weekdays": tuple(values["weekdays"])}
    return Automation(**{**values, **given, "status": Status(values["status"])})


async def find(session: Session, owner: UUID, automation_id: AutomationId) -> Automation | None:
    """Return an automation of this owner."""
    row = await ONE.first(session, {"owner": owner, "automation": automation_id})
    return automation_of(row) if row else None


async def lock(session: Session, owner: UUID, automation_id: AutomationId) -> Automation | None:
    """Return an automation, and keep it as it is until the transaction ends."""
    row = await LOCKED.first(session, {"owner": owner, "automation": automation_id})
    return automation_of(row) if row else None


async def count(session: Session, owner: UUID) -> int:
    """Count an owner's automations."""
    return int(
        await session.scalar(select(func.count()).select_from(automations).where(automations.c.owner_id == owner)) or 0
    )


async def list_page(session: Session, owner: UUID, *, before: UUID | None, limit: int) -> list[Automation]:
    """List automations, newest first."""
    query = select(*COLUMNS).where(automations.c.owner_id == owner).order_by(automations.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(automations.c.id < before)
    return [automation_of(row) for row in await session.execute(query)]


async def list_running(session: Session, owner: UUID, account_id: AccountId) -> list[AutomationId]:
    """List the ids of what runs in an account, always in the same sequence."""
    mine = (automations.c.owner_id == owner, automations.c.account_id == account_id)
    query = select(automations.c.id).where(*mine, automations.c.status == Status.RUNNING).order_by(automations.c.id)
    return [AutomationId(found) for found in await session.scalars(query)]


async def list_kin(session: Session, owner: UUID, of: Automation, *, limit: int) -> list[Automation]:
    """List others that follow the same version on the same bars, oldest first: one on paper and one live, say."""
    same = (automations.c.strategy_id == of.strategy_id, automations.c.version == of.version)
    mine = (automations.c.owner_id == owner, automations.c.id != of.id, automations.c.interval == of.interval, *same)
    query = select(*COLUMNS).where(*mine).order_by(automations.c.id).limit(limit)
    return [automation_of(row) for row in await session.execute(query)]


async def save_new(session: Session, owner: UUID, automation: Automation) -> None:
    """Add an automation."""
    row = {"owner_id": owner, **values_of(automation, NAMES)}
    lists = {"symbols": list(automation.symbols), "weekdays": list(automation.weekdays)}
    await session.execute(insert(automations).values(row | lists))


async def save(session: Session, owner: UUID, automation: Automation) -> None:
    """Write what an automation has come to."""
    changed = values_of(automation, CHANGING)
    mine = (automations.c.owner_id == owner, automations.c.id == automation.id)
    await session.execute(update(automations).where(*mine).values(changed))


async def delete_one(session: Session, owner: UUID, automation_id: AutomationId) -> None:
    """Forget an automation, its runs and its hooks; its signals and trips stay, as what they led to does."""
    for table in (automation_runs, hooks):
        mine = (table.c.owner_id == owner, table.c.automation_id == automation_id)
        await session.execute(delete(table).where(*mine))
    await session.execute(delete(automations).where(automations.c.owner_id == owner, automations.c.id == automation_id))


async def find_any_open_trip(session: Session, owner: UUID, automation_id: AutomationId) -> bool:
    """Whether an automation has something that is not sold yet."""
    mine = (trips.c.owner_id == owner, trips.c.automation_id == automation_id, trips.c.closed_at.is_(None))
    return await session.scalar(select(trips.c.id).where(*mine).limit(1)) is not None


async def save_strategy(
    session: Session, owner: UUID, version: tuple[UUID, int], said: tuple[str, dict[str, Any]], at: datetime
) -> None:
    """Keep a published version: its name and document. It never changes, so the first time counts."""
    key = {"owner_id": owner, "strategy_id": version[0], "version": version[1]}
    row = {**key, "name": said[0], "document": said[1], "published_at": at}
    await session.execute(insert(strategies).values(row).on_conflict_do_nothing())


async def find_document(session: Session, owner: UUID, strategy_id: UUID, version: int) -> dict[str, Any] | None:
    """Return the document of a published version."""
    mine = (strategies.c.owner_id == owner, strategies.c.strategy_id == strategy_id, strategies.c.version == version)
    found: dict[str, Any] | None = await session.scalar(select(strategies.c.document).where(*mine))
    return found

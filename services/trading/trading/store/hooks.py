"""Hooks of one owner, and the alerts that came by them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from trading.domain.hook import Hook, HookId
from trading.store.automation_tables import hook_alerts, hooks
from trading.store.rows import columns_of, values_of

COLUMNS = columns_of(hooks, Hook)
NAMES = tuple(column.name for column in COLUMNS)


@dataclass(frozen=True, slots=True)
class Received:
    """An alert as it came, and what became of it."""

    alert_key: str
    body: dict[str, Any]
    status: str
    detail: str | None
    received_at: datetime
    settled_at: datetime | None


async def find(session: Session, owner: UUID, hook_id: HookId) -> Hook | None:
    """Return a hook of this owner."""
    row = (await session.execute(select(*COLUMNS).where(hooks.c.owner_id == owner, hooks.c.id == hook_id))).first()
    return Hook(**row._mapping) if row else None


async def count(session: Session, owner: UUID) -> int:
    """Count an owner's hooks."""
    return int(await session.scalar(select(func.count()).select_from(hooks).where(hooks.c.owner_id == owner)) or 0)


async def list_all(session: Session, owner: UUID) -> list[Hook]:
    """List an owner's hooks: there are few."""
    query = select(*COLUMNS).where(hooks.c.owner_id == owner).order_by(hooks.c.id.desc())
    return [Hook(**row._mapping) for row in await session.execute(query)]


async def save_new(session: Session, owner: UUID, hook: Hook) -> None:
    """Add a hook."""
    await session.execute(insert(hooks).values({"owner_id": owner, **values_of(hook, NAMES)}))


async def save_told(session: Session, owner: UUID, hook_id: HookId, at: datetime) -> None:
    """Remember when its owner was last told of trouble with it."""
    await session.execute(update(hooks).where(hooks.c.owner_id == owner, hooks.c.id == hook_id).values(told_at=at))


async def delete_one(session: Session, owner: UUID, hook_id: HookId) -> bool:
    """Forget a hook and what came by it; False when there is none."""
    await session.execute(delete(hook_alerts).where(hook_alerts.c.owner_id == owner, hook_alerts.c.hook_id == hook_id))
    result = await session.execute(delete(hooks).where(hooks.c.owner_id == owner, hooks.c.id == hook_id))
    return result.rowcount == 1


async def save_received(
    session: Session, owner: UUID, hook_id: HookId, alert: tuple[str, dict[str, Any]], now: datetime
) -> bool:
    """Queue an alert, by its key; False when it came before. Either way the hook was heard."""
    await session.execute(update(hooks).where(hooks.c.owner_id == owner, hooks.c.id == hook_id).values(heard_at=now))
    row = {"owner_id": owner, "hook_id": hook_id, "alert_key": alert[0], "body": alert[1]}
    queued = {**row, "status": "queued", "received_at": now}
    return (await session.execute(insert(hook_alerts).values(queued).on_conflict_do_nothing())).rowcount == 1


async def settle(
    session: Session, owner: UUID, alert: tuple[UUID, str], end: tuple[str, str | None], now: datetime
) -> bool:
    """End a queued alert, once."""
    queued = (
        hook_alerts.c.owner_id == owner,
        hook_alerts.c.hook_id == alert[0],
        hook_alerts.c.alert_key == alert[1],
        hook_alerts.c.status == "queued",
    )
    changed = {"status": end[0], "detail": end[1], "settled_at": now}
    return (await session.execute(update(hook_alerts).where(*queued).values(changed))).rowcount == 1


async def list_received(session: Session, owner: UUID, hook_id: HookId, limit: int) -> list[Received]:
    """List the newest alerts of a hook."""
    query = select(*(hook_alerts.c[name] for name in Received.__slots__)).where(
        hook_alerts.c.owner_id == owner, hook_alerts.c.hook_id == hook_id
    )
    rows = await session.execute(query.order_by(hook_alerts.c.received_at.desc()).limit(limit))
    return [Received(**row._mapping) for row in rows]

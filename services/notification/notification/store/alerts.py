"""Alerts of each owner."""

from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.db import Session
from sqlalchemy import Row, case, delete, func, insert, or_, select, text, update

from notification.domain.alert import Alert, AlertId
from notification.domain.owner import OwnerId
from notification.store.tables import alerts

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('alerts:' || :owner, 0))")

DUE = frozenset({"due_bar", "due_at"})
"""Where the alert stands in the worker's line; no part of the wish."""


def alert_of(row: Row[Any]) -> Alert:
    """Build an alert from its row."""
    values = {name: value for name, value in row._mapping.items() if name not in DUE}
    return Alert(owner=values.pop("owner_id"), **values)


async def lock_count(session: Session, owner: OwnerId) -> int:
    """Count the owner's alerts; until the commit nobody else adds one."""
    await session.execute(LOCK, {"owner": str(owner)})
    return int(await session.scalar(select(func.count()).where(alerts.c.owner_id == owner)) or 0)


async def save(session: Session, owner: OwnerId, alert: Alert) -> None:
    """Save a new alert."""
    values = asdict(alert) | {"owner_id": owner}
    del values["owner"]
    await session.execute(insert(alerts).values(values))


async def find(session: Session, owner: OwnerId, alert_id: AlertId) -> Alert | None:
    """Find one alert of the owner."""
    statement = select(alerts).where(alerts.c.owner_id == owner, alerts.c.id == alert_id)
    row = (await session.execute(statement)).one_or_none()
    return None if row is None else alert_of(row)


async def list_newest(session: Session, owner: OwnerId, limit: int, before: UUID | None) -> list[Alert]:
    """List the newest first; ids are made in time's order."""
    statement = select(alerts).where(alerts.c.owner_id == owner)
    if before is not None:
        statement = statement.where(alerts.c.id < before)
    rows = await session.execute(statement.order_by(alerts.c.id.desc()).limit(limit))
    return [alert_of(row) for row in rows]


async def delete_one(session: Session, owner: OwnerId, alert_id: AlertId) -> str | None:
    """Delete an alert; return its symbol, or None when the owner has no such alert."""
    statement = delete(alerts).where(alerts.c.owner_id == owner, alerts.c.id == alert_id)
    symbol: str | None = await session.scalar(statement.returning(alerts.c.symbol))
    return symbol


async def save_triggered(
    session: Session, owner: OwnerId, alert_id: AlertId, price: Decimal, now: datetime
) -> Alert | None:
    """Trigger an alert if it still waits: of all who try, one succeeds, and the others get None."""
    statement = update(alerts).where(
        alerts.c.owner_id == owner,
        alerts.c.id == alert_id,
        alerts.c.status == "active",
        or_(alerts.c.expires_at.is_(None), alerts.c.expires_at > now),
    )
    after = case((alerts.c.repeat, "resting"), else_="triggered")
    statement = statement.values(status=after, triggered_at=now, triggered_price=price)
    row = (await session.execute(statement.returning(*alerts.c))).one_or_none()
    return None if row is None else alert_of(row)


async def save_rearmed(session: Session, owner: OwnerId, alert_id: AlertId) -> None:
    """Make a repeating alert that rests active again."""
    statement = update(alerts).where(alerts.c.owner_id == owner, alerts.c.id == alert_id, alerts.c.status == "resting")
    await session.execute(statement.values(status="active"))


async def save_judged(session: Session, owner: OwnerId, alert_id: AlertId, bar: datetime) -> bool:
    """Note that an alert has been judged on the bar it was due for: of all who try, one succeeds."""
    due = (alerts.c.owner_id == owner, alerts.c.id == alert_id, alerts.c.due_bar == bar)
    return bool((await session.execute(update(alerts).where(*due).values(due_bar=None, due_at=None))).rowcount)

"""Alerts of each owner."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Session
from kit.sql import Row as DriverRow
from kit.sql import Statement
from sqlalchemy import Row, Uuid, bindparam, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY

from notification.domain.alert import Alert, AlertId
from notification.domain.owner import OwnerId
from notification.store.tables import alerts

LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('alerts:' || :owner, 0))")

LOCK_ALL = Statement(
    select(alerts)
    .where(alerts.c.owner_id == bindparam("owner"), alerts.c.id == func.any(bindparam("ids", type_=ARRAY(Uuid))))
    .order_by(alerts.c.id)
    .with_for_update()
)
SAVE_STEPS = Statement(
    text(
        """
        UPDATE alerts SET status = after.status, triggered_at = after.triggered_at, triggered_price = after.price
          FROM unnest(CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:times AS timestamptz[]),
                      CAST(:prices AS numeric[])) AS after (id, status, triggered_at, price)
         WHERE alerts.owner_id = CAST(:owner AS uuid) AND alerts.id = after.id
        """
    )
)

DUE = frozenset({"due_bar", "due_at"})
"""Where the alert stands in the worker's line; no part of the wish."""


def alert_of(row: Row[Any] | DriverRow) -> Alert:
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


async def lock_all(session: Session, owner: OwnerId, alert_ids: Collection[AlertId]) -> dict[AlertId, Alert]:
    """Find alerts of the owner, and let nobody change them until the commit; in one order, whoever asks."""
    rows = await LOCK_ALL.all(session, {"owner": owner, "ids": list(alert_ids)})
    return {row.id: alert_of(row) for row in rows}


async def save_steps(session: Session, owner: OwnerId, after: Sequence[Alert]) -> None:
    """Save how alerts that are locked stand now, and what triggered them last."""
    given = {
        "owner": owner,
        "ids": [alert.id for alert in after],
        "statuses": [alert.status for alert in after],
        "times": [alert.triggered_at for alert in after],
        "prices": [alert.triggered_price for alert in after],
    }
    await SAVE_STEPS.count(session, given)


async def save_judged(session: Session, owner: OwnerId, alert_id: AlertId, bar: datetime) -> bool:
    """Note that an alert has been judged on the bar it was due for: of all who try, one succeeds."""
    due = (alerts.c.owner_id == owner, alerts.c.id == alert_id, alerts.c.due_bar == bar)
    return bool((await session.execute(update(alerts).where(*due).values(due_bar=None, due_at=None))).rowcount)

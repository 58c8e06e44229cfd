"""Trigger an alert, once, whoever else tries."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from notification.domain.alert import Alert, Seen, notice_of
from notification.events import AlertTriggered
from notification.store import alerts
from notification.usecases.tell_owner import Publish, Told, tell_owner


async def trigger_alert(
    session: Session, alert: Alert, seen: Seen, told_id: UUID, now: datetime, publish: Publish
) -> Alert | None:
    """Tell the owner that an alert has met its condition; None when it no longer waits for one."""
    triggered = await alerts.save_triggered(session, alert.owner, alert.id, seen.price, now)
    if triggered is None:
        return None
    tell_owner(session, alert.owner, Told(told_id, None, notice_of(triggered, seen), now), publish)
    fact = AlertTriggered(alert_id=alert.id, symbol=alert.symbol, price=seen.price, condition=alert.condition)
    await record(session, fact, owner=alert.owner)
    return triggered

"""Make a price alert."""

from datetime import datetime

from kit.db import Session

from notification.domain.alert import ALERTS_MAX, Alert
from notification.errors import ExpiryPassed, TooManyAlerts
from notification.store import alerts


async def create_alert(session: Session, alert: Alert, now: datetime) -> None:
    """Save an alert of its owner.

    Raises:
        ExpiryPassed: when it would never be watched.
        TooManyAlerts: when the owner has as many as anybody may have.
    """
    if alert.expires_at is not None and alert.expires_at <= now:
        raise ExpiryPassed
    if await alerts.lock_count(session, alert.owner) >= ALERTS_MAX:
        raise TooManyAlerts(f"You have {ALERTS_MAX} alerts: delete some first, done ones count as well.")
    await alerts.save(session, alert.owner, alert)

"""Throw away what nobody will ask for any more."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.db import Session

from notification.store import system

REDELIVERY = timedelta(days=3)
"""No message comes a second time after this."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long things are kept."""

    stream: timedelta
    inbox: timedelta
    deliveries: timedelta


async def forget_old(session: Session, keeping: Keeping, now: datetime) -> int:
    """Delete a portion of everything too old; return the number of rows, zero when there is nothing left to delete."""
    deleted = await system.delete_old_stream(session, now - keeping.stream)
    deleted += await system.delete_old_notices(session, now - keeping.inbox)
    deleted += await system.delete_old_deliveries(session, now - keeping.deliveries)
    return deleted + await system.delete_old_messages(session, now - REDELIVERY)

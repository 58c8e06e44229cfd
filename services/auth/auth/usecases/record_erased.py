"""Hear that a service has forgotten somebody."""

from datetime import datetime
from uuid import UUID

from kit.db import Session as Transaction

from auth.domain.audit import AuditEntry
from auth.store import audit, leaving


async def record_erased(session: Transaction, user_id: UUID, service: str, now: datetime) -> None:
    """Remember it, in a transaction of the worker role; hearing it twice changes nothing."""
    await leaving.save_erased(session, user_id, service, now)
    await audit.record(session, now, AuditEntry(service, "user_erased", str(user_id)))

"""Have a link mailed by which a forgotten password is replaced."""

from datetime import datetime
from uuid import UUID

from kit.db import Session as Transaction

from auth.domain.audit import AuditEntry
from auth.store import audit, mails, system


async def ask_password_reset(session: Transaction, email: str, mail_id: UUID, now: datetime) -> None:
    """Write the mail if there is such an account; nobody but the owner of the address learns whether there is."""
    user = await system.find_user(session, email)
    if user is not None:
        await mails.save(session, mail_id, user.id, "reset_password", now)
        await audit.record(session, now, AuditEntry("", "password_reset_asked", str(user.id)))

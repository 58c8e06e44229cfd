"""Open an account that waits for its address to be verified, giving nothing away about those that exist."""

from uuid import UUID

from kit.db import Session as Transaction

from auth.domain.audit import AuditEntry
from auth.domain.user import User
from auth.store import audit, mails, system


async def register_by_mail(session: Transaction, user: User, password_hash: str, mail_id: UUID) -> None:
    """Save the account and write it a verification link; or tell the owner of the one that exists."""
    if await system.save_pending(session, user, password_hash):
        await mails.save(session, mail_id, user.id, "verify_email", user.created_at)
        await audit.record(session, user.created_at, AuditEntry(str(user.id), "registered", str(user.id)))
        return
    existing = await system.find_user(session, user.email)
    if existing is not None:
        await mails.save(session, mail_id, existing.id, "already_registered", user.created_at)

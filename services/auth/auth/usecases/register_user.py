"""Open an account."""

from kit.db import Session as Transaction
from kit.events import record

from auth.domain.audit import AuditEntry
from auth.domain.user import User
from auth.errors import EmailTaken
from auth.events import UserRegistered
from auth.store import audit, users


async def register_user(session: Transaction, user: User, password_hash: str | None) -> None:
    """Save a new account, in a transaction whose owner it is, and announce it.

    Without a password its owner comes in by the mail for forgotten ones.

    Raises:
        EmailTaken: when there is an account with this address; two people who register it at once are told apart here.
    """
    if not await users.save(session, user.id, user, password_hash):
        raise EmailTaken("Log in instead, or register with another address.")
    await audit.record(session, user.created_at, AuditEntry(str(user.id), "registered", str(user.id)))
    registered = UserRegistered(user_id=user.id, email=user.email, name=user.profile.name)
    await record(session, registered, owner=user.id)

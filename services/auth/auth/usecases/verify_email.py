"""Verify an address by a mailed token: the account can be used from then on."""

from datetime import datetime

from kit.db import Session as Transaction
from kit.events import record

from auth.domain.audit import AuditEntry
from auth.domain.guessing import Place
from auth.domain.session import digest_of
from auth.errors import MailTokenRefused
from auth.events import UserRegistered
from auth.store import audit, mails, places, system


async def verify_email(session: Transaction, token: str, place: Place, now: datetime) -> None:
    """Use the token up, remember the place as the owner's, and announce an account that waited for this.

    Raises:
        MailTokenRefused: when the token is unknown, used or too old.
    """
    owner = await mails.delete_token(session, digest_of(token), "verify_email", now)
    credentials = None if owner is None else await system.lock_credentials(session, owner)
    if credentials is None:
        raise MailTokenRefused
    user = credentials.user
    await system.save_verified(session, user.id, now)
    await places.save(session, user.id, place.digests, now)
    await audit.record(session, now, AuditEntry(str(user.id), "email_verified", str(user.id)))
    if credentials.pending:
        await record(session, UserRegistered(user_id=user.id, email=user.email, name=user.profile.name), owner=user.id)

"""Replace a forgotten password by a mailed token."""

from datetime import datetime

from kit.db import Database
from kit.events import record

from auth.domain.audit import AuditEntry
from auth.domain.guessing import strangers_streak_of
from auth.domain.password import is_short
from auth.domain.session import digest_of
from auth.errors import MailTokenRefused, WeakPassword
from auth.events import UserRegistered
from auth.hashing import Hasher
from auth.store import audit, mails, second_factors, system
from auth.usecases.end_sessions import end_sessions
from auth.usecases.weigh_password import weigh_password
from auth.usecases.withdraw_grants import withdraw_grants


async def reset_password(database: Database, hasher: Hasher, token: str, given: str, now: datetime) -> None:
    """Save the new password and end every session. Nobody is logged in by it: a second factor is asked for as ever.

    Where the address was never verified before, whoever used the account need not have been its owner: API keys and
    delegations go as well. The token is used up together with the change, so one that came with a weak password is
    still good.

    Raises:
        MailTokenRefused: when the token is unknown, used or too old.
        WeakPassword: when the new password is not good enough.
    """
    digest = digest_of(token)
    async with database.system() as session:
        owner = await mails.find_token(session, digest, "reset_password", now)
    if owner is None:
        raise MailTokenRefused
    chosen = await weigh_password(database, hasher, owner, given)
    async with database.system() as session:
        credentials = await system.lock_credentials(session, owner)
        if credentials is None or await mails.delete_token(session, digest, "reset_password", now) is None:
            raise MailTokenRefused
        short = is_short(chosen.password)
        if short and not await second_factors.find_active(session, owner):
            raise WeakPassword("is too short without a second factor")
        await system.save_password(session, owner, chosen.password_hash, short=short)
        await audit.record(session, now, AuditEntry("", "password_reset", str(owner)))
        if not await system.find_verified(session, owner):
            await withdraw_grants(session, owner, now)
        await system.save_verified(session, owner, now)
        await system.delete_failures(session, strangers_streak_of(credentials.user.email))
        if credentials.pending:
            user = credentials.user
            registered = UserRegistered(user_id=user.id, email=user.email, name=user.profile.name)
            await record(session, registered, owner=owner)
        await end_sessions(session, owner, "password_reset", now)

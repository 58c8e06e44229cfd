"""Log in by passkey alone: the device has verified its user, so it is both factors in one."""

from kit.db import Database

from auth.ceremonies import Credential, RelyingParty
from auth.domain.audit import AuditEntry
from auth.domain.guessing import Place
from auth.domain.session import Session
from auth.domain.user import User
from auth.errors import PasskeyRefused
from auth.store import audit, system
from auth.usecases.begin_session import Fresh, begin_session
from auth.usecases.check_passkey import check_passkey


async def log_in_by_passkey(
    database: Database, party: RelyingParty, credential: Credential, place: Place, fresh: Fresh
) -> tuple[User, Session]:
    """Return who it is and the session that begins.

    Raises:
        PasskeyRefused: whatever the reason is, a locked account included; the challenge is used up all the same.
    """
    begun = None
    async with database.system() as session:
        owner = await check_passkey(session, party, credential, "log_in", None, fresh.now)
        account = None if owner is None else await system.lock_credentials(session, owner)
        if account is not None and account.user.locked_at is None:
            begun = await begin_session(session, account.user.id, place, fresh, by="passkey")
        else:
            subject = "nobody" if owner is None else str(owner)
            await audit.record(session, fresh.now, AuditEntry("", "log_in_failed", subject, new={"by": "passkey"}))
    if account is None or begun is None:
        raise PasskeyRefused
    return account.user, begun

"""Take a lost second factor off an account, as the operator, who has made sure by other means whose it is."""

from datetime import datetime
from uuid import UUID

from kit.db import Session as Transaction
from kit.events import record

from auth.domain.audit import AuditEntry
from auth.domain.user import UserId
from auth.errors import SecondFactorMissing, WayInMissing
from auth.events import SecondFactorReset
from auth.store import audit, mails, second_factors, system
from auth.usecases.end_sessions import end_sessions


async def reset_second_factor(session: Transaction, owner: UserId, mail_id: UUID | None, now: datetime) -> bool:
    """Let the password count alone again; return whether there is one still. Every session ends, the owner is told.

    A password that is good only together with a second factor goes with it: its owner chooses another by the mail for
    forgotten ones.

    Args:
        session: of the worker role.
        owner: whose second factor.
        mail_id: for the mail that tells the owner; None where there is no mail server.
        now: the time.

    Raises:
        SecondFactorMissing: when nothing is asked for beside the password.
        WayInMissing: when the password would have to go, and no mail could bring another.
    """
    credentials = await system.lock_credentials(session, owner)
    if credentials is None or not await second_factors.find_any(session, owner):
        raise SecondFactorMissing("Nothing is asked for beside this account's password.")
    if credentials.password_short:
        if mail_id is None:
            raise WayInMissing
        await system.save_password(session, owner, None, short=False)
    await second_factors.delete_all(session, owner)
    await second_factors.save_passkey_wanted(session, owner, wanted=False)
    await end_sessions(session, owner, "second_factor_reset", now)
    await audit.record(session, now, AuditEntry("operator", "second_factor_reset", str(owner)))
    await record(session, SecondFactorReset(user_id=owner), owner=owner)
    if mail_id is not None:
        await mails.save(session, mail_id, owner, "second_factor_reset", now)
    return credentials.password_hash is not None and not credentials.password_short

"""Log in by password and, where there is one, second factor."""

from uuid import UUID

from kit.db import Database
from kit.errors import AppError

from auth.domain.audit import AuditEntry
from auth.domain.session import Session
from auth.domain.user import User
from auth.errors import WrongCredentials
from auth.sealing import Sealer
from auth.store import audit, mails
from auth.usecases.accept_password import accept_password
from auth.usecases.begin_session import Fresh, begin_session
from auth.usecases.check_password import Proven
from auth.usecases.check_second_factor import check_second_factor


async def log_in(
    database: Database, sealer: Sealer, proven: Proven, otp: str | None, fresh: Fresh, mail_id: UUID
) -> tuple[User, Session]:
    """Return who it is and the session that begins.

    Args:
        database: ours.
        sealer: opens the second factor.
        proven: what `check_password` found.
        otp: a code of the second factor, or a recovery code.
        fresh: for the session.
        mail_id: for the mail that is sent once more when the account still waits for its address to be verified.

    Raises:
        WrongCredentials: also while the address is not verified: a stranger who registered somebody else's address
            must not find out by it whether there was an account already.
        OtpRequired, OtpWrong, TooManyAttempts: from the second factor.
    """
    refusal: AppError | None
    async with database.system() as session:
        credentials = await accept_password(session, proven)
        user = credentials.user
        if credentials.pending:
            await mails.save(session, mail_id, user.id, "verify_email", fresh.now)
            unverified = AuditEntry("", "log_in_failed", str(user.id), new={"because": "unverified"})
            await audit.record(session, fresh.now, unverified)
            refusal = WrongCredentials()
        else:
            refusal = await check_second_factor(session, sealer, user.id, otp, fresh.now)
        if refusal is None:
            begun = await begin_session(session, user.id, proven.place, fresh, by="password")
    if refusal is not None:
        raise refusal
    return user, begun

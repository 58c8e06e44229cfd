"""Begin the session of somebody another provider has vouched for; a second factor is asked for as ever."""

from kit.db import Database
from kit.errors import AppError

from auth.domain.audit import AuditEntry
from auth.domain.guessing import Place
from auth.domain.session import Session, digest_of
from auth.domain.user import User
from auth.errors import OauthRefused
from auth.sealing import Sealer
from auth.store import audit, identities, system
from auth.usecases.begin_session import Fresh, begin_session
from auth.usecases.check_second_factor import check_second_factor


async def finish_social_login(
    database: Database, sealer: Sealer, ticket: tuple[str, str], otp: str | None, place: Place, fresh: Fresh
) -> tuple[User, Session]:
    """Return who it is and the session that begins. The ticket is used up by success only: a code may be mistyped.

    Args:
        database: ours.
        sealer: opens the second factor.
        ticket: the ticket, and the token of the browser it was given to.
        otp: a code of the second factor, or a recovery code.
        place: where it comes from.
        fresh: for the session.

    Raises:
        OauthRefused: when the ticket is unknown, used, too old, another browser's, or of an account that is locked.
        OtpRequired, OtpWrong, TooManyAttempts: from the second factor.
    """
    digest, browser = (digest_of(each) for each in ticket)
    async with database.system() as session:
        owner = await identities.lock_ticket(session, digest, browser, fresh.now)
        account = None if owner is None else await system.lock_credentials(session, owner)
        refusal: AppError | None = OauthRefused()
        if account is not None and account.user.locked_at is None:
            refusal = await check_second_factor(session, sealer, account.user.id, otp, fresh.now)
        else:
            subject = "nobody" if owner is None else str(owner)
            await audit.record(session, fresh.now, AuditEntry("", "log_in_failed", subject, new={"by": "provider"}))
        if account is not None and refusal is None:
            await identities.delete_ticket(session, digest)
            begun = await begin_session(session, account.user.id, place, fresh, by="provider")
    if account is None or refusal is not None:
        raise refusal or OauthRefused()
    return account.user, begun

"""Begin the session of somebody another provider has vouched for; a second factor is asked for as ever."""

from kit.db import Database

from auth.domain.guessing import Place
from auth.domain.session import Session, digest_of
from auth.domain.user import User
from auth.errors import OauthRefused
from auth.sealing import Sealer
from auth.store import identities, users
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
        OauthRefused: when the ticket is unknown, used, too old, or another browser's.
        OtpRequired, OtpWrong, TooManyAttempts: from the second factor.
    """
    digest, browser = (digest_of(each) for each in ticket)
    async with database.system() as session:
        owner = await identities.lock_ticket(session, digest, browser, fresh.now)
        user = None if owner is None else await users.find(session, owner)
        if user is None:
            raise OauthRefused
        refusal = await check_second_factor(session, sealer, user.id, otp, fresh.now)
        if refusal is None:
            await identities.delete_ticket(session, digest)
            begun = await begin_session(session, user.id, place, fresh)
    if refusal is not None:
        raise refusal
    return user, begun

"""Log in by passkey alone: the device has verified its user, so it is both factors in one."""

from kit.db import Database

from auth.ceremonies import Credential, RelyingParty
from auth.domain.guessing import Place
from auth.domain.session import Session
from auth.domain.user import User
from auth.errors import PasskeyRefused
from auth.store import users
from auth.usecases.begin_session import Fresh, begin_session
from auth.usecases.check_passkey import check_passkey


async def log_in_by_passkey(
    database: Database, party: RelyingParty, credential: Credential, place: Place, fresh: Fresh
) -> tuple[User, Session]:
    """Return who it is and the session that begins.

    Raises:
        PasskeyRefused: whatever the reason is; the challenge is used up all the same.
    """
    user = None
    async with database.system() as session:
        owner = await check_passkey(session, party, credential, "log_in", None, fresh.now)
        if owner is not None:
            user = await users.find(session, owner)
            begun = await begin_session(session, owner, place, fresh)
    if owner is None or user is None:
        raise PasskeyRefused
    return user, begun

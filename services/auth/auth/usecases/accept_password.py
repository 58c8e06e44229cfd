"""Make use of a password that was right, unless it has changed since."""

from kit.db import Session as Transaction

from auth.domain.user import Credentials
from auth.errors import WrongCredentials
from auth.store import system
from auth.usecases.check_password import Proven


async def accept_password(session: Transaction, proven: Proven) -> Credentials:
    """Lock the account's row and return it as it is now; give back what the try was counted under.

    Raises:
        WrongCredentials: when the password was changed, or the account closed, while this one was being checked.
    """
    current = await system.lock_credentials(session, proven.credentials.user.id)
    if current is None or current.user.locked_at is not None:
        raise WrongCredentials
    if current.password_hash != proven.credentials.password_hash:
        raise WrongCredentials
    for count in proven.counts:
        await system.delete_try(session, count)
    if proven.rehashed is not None:
        await system.save_password(session, current.user.id, proven.rehashed, short=current.password_short)
    return current

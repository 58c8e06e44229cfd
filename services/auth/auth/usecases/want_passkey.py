"""Want a passkey beside the password, or no longer."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.audit import AuditEntry
from auth.domain.passkey import WANTED_MIN
from auth.domain.user import UserId
from auth.errors import PasswordTooShortAlone, TooFewPasskeys
from auth.store import audit, passkeys, second_factors, system


async def want_passkey(session: Transaction, owner: UserId, now: datetime, *, wanted: bool) -> None:
    """Have a password be enough, or not be enough, without a passkey.

    Raises:
        TooFewPasskeys: when there are not two, so that one may be lost.
        PasswordTooShortAlone: when the password was chosen for two factors, and this is the second.
    """
    account = await system.lock_credentials(session, owner)
    if wanted and await passkeys.find_count(session, owner) < WANTED_MIN:
        raise TooFewPasskeys
    is_short = account is not None and account.password_short
    if not wanted and is_short and not await second_factors.find_active(session, owner):
        raise PasswordTooShortAlone
    await second_factors.save_passkey_wanted(session, owner, wanted=wanted)
    action = "passkey_wanted" if wanted else "passkey_not_wanted"
    await audit.record(session, now, AuditEntry(str(owner), action, str(owner)))

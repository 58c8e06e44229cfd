"""Do without a second factor again."""

from datetime import datetime

from kit.db import Session as Transaction
from kit.errors import AppError

from auth.domain.audit import AuditEntry
from auth.domain.user import UserId
from auth.errors import PasswordTooShortAlone, SecondFactorMissing
from auth.sealing import Sealer
from auth.store import audit, second_factors, system
from auth.usecases.check_second_factor import check_second_factor


async def disable_second_factor(
    session: Transaction, sealer: Sealer, owner: UserId, code: str, now: datetime
) -> AppError | None:
    """Return None when it is gone, with its recovery codes; else the refusal."""
    credentials = await system.lock_credentials(session, owner)
    if credentials is None or not await second_factors.find_active(session, owner):
        return SecondFactorMissing("There is no second factor to disable.")
    if credentials.password_short:
        return PasswordTooShortAlone()
    refusal = await check_second_factor(session, sealer, owner, code, now)
    if refusal is None:
        await second_factors.delete_all(session, owner)
        await audit.record(session, now, AuditEntry(str(owner), "second_factor_disabled", str(owner)))
    return refusal

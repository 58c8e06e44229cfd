"""Replace the recovery codes, used or not."""

from collections.abc import Sequence
from datetime import datetime

from kit.db import Session as Transaction
from kit.errors import AppError

from auth.domain.audit import AuditEntry
from auth.domain.second_factor import normalise
from auth.domain.user import UserId
from auth.errors import SecondFactorMissing
from auth.sealing import Sealer
from auth.store import audit, second_factors
from auth.usecases.check_second_factor import check_second_factor


async def renew_recovery_codes(
    session: Transaction, sealer: Sealer, owner: UserId, code: str, recovery_codes: Sequence[str], now: datetime
) -> AppError | None:
    """Return None when the new codes count, and the earlier ones no more; else the refusal."""
    if not await second_factors.find_active(session, owner):
        return SecondFactorMissing("Recovery codes belong to a second factor, and there is none.")
    refusal = await check_second_factor(session, sealer, owner, code, now)
    if refusal is None:
        digests = [sealer.digest(normalise(each), owner) for each in recovery_codes]
        await second_factors.save_recovery_codes(session, owner, digests)
        await audit.record(session, now, AuditEntry(str(owner), "recovery_codes_renewed", str(owner)))
    return refusal

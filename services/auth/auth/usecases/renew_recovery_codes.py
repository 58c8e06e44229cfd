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
from auth.usecases.check_code import check_code


async def renew_recovery_codes(
    session: Transaction, sealer: Sealer, owner: UserId, code: str, recovery_codes: Sequence[str], now: datetime
) -> AppError | None:
    """Return None when the new codes count, and the earlier ones no more; else the refusal."""
    factor = await second_factors.lock(session, owner)
    if factor is None or factor.activated_at is None:
        return SecondFactorMissing("Recovery codes belong to an authenticator app, and there is none.")
    refusal = await check_code(session, sealer, factor, code, now)
    if refusal is None:
        digests = [sealer.digest(normalise(each), owner) for each in recovery_codes]
        await second_factors.save_recovery_codes(session, owner, digests)
        await audit.record(session, now, AuditEntry(str(owner), "recovery_codes_renewed", str(owner)))
    return refusal

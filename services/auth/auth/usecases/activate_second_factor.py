"""Activate a second factor by its first code."""

from collections.abc import Sequence
from datetime import datetime

from kit.db import Session as Transaction
from kit.errors import AppError

from auth.domain.audit import AuditEntry
from auth.domain.second_factor import normalise, wait_of
from auth.domain.user import UserId
from auth.errors import OtpWrong, SecondFactorActive, SecondFactorMissing, TooManyAttempts
from auth.sealing import Sealer
from auth.store import audit, second_factors
from auth.totp import step_of
from auth.usecases.check_second_factor import SEALED_AS


async def activate_second_factor(
    session: Transaction, sealer: Sealer, owner: UserId, code: str, recovery_codes: Sequence[str], now: datetime
) -> AppError | None:
    """Return None when a code is asked for from now on, else the refusal.

    The first code is used up by this: it does not log anybody in.
    """
    factor = await second_factors.lock(session, owner)
    if factor is None:
        return SecondFactorMissing("There is none to activate: POST /api/v1/auth/2fa/enroll first.")
    if factor.activated_at is not None:
        return SecondFactorActive()
    if (wait := wait_of(factor, now)) is not None:
        return TooManyAttempts(wait)
    step = step_of(sealer.open(factor.sealed, SEALED_AS, owner), normalise(code), now)
    if step is None:
        await second_factors.save_failure(session, owner, now)
        await audit.record(session, now, AuditEntry(str(owner), "second_factor_failed", str(owner)))
        return OtpWrong()
    await second_factors.save_step(session, owner, step)
    await second_factors.save_activation(session, owner, now)
    digests = [sealer.digest(normalise(each), owner) for each in recovery_codes]
    await second_factors.save_recovery_codes(session, owner, digests)
    await audit.record(session, now, AuditEntry(str(owner), "second_factor_activated", str(owner)))
    return None

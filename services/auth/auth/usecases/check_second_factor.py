"""Judge a code of the second factor, and use it up."""

from datetime import datetime

from kit.db import Session as Transaction
from kit.errors import AppError

from auth.domain.audit import AuditEntry
from auth.domain.second_factor import Answer, SecondFactor, is_recovery_code, judge, normalise, wait_of
from auth.domain.user import UserId
from auth.errors import OtpRequired, OtpWrong, TooManyAttempts
from auth.sealing import Sealer
from auth.store import audit, second_factors
from auth.totp import step_of

SEALED_AS = "second factor"


async def check_second_factor(
    session: Transaction, sealer: Sealer, owner: UserId, code: str | None, now: datetime
) -> AppError | None:
    """Return None when the owner may pass, else the refusal: a value, because the count of wrong codes must be saved.

    Codes given at the same time wait for one another at the lock, so that each passes once. A code that is right but
    used is refused without counting: whoever has it guesses nothing.
    """
    factor = await second_factors.lock(session, owner)
    if factor is None or factor.activated_at is None:
        return None
    if code is None:
        return OtpRequired()
    if (wait := wait_of(factor, now)) is not None:
        return TooManyAttempts(wait)
    refusal = await _use(session, sealer, factor, normalise(code), now)
    if refusal is not None:
        await audit.record(session, now, AuditEntry("", "second_factor_failed", str(owner)))
    return refusal


async def _use(session: Transaction, sealer: Sealer, factor: SecondFactor, code: str, now: datetime) -> AppError | None:
    if is_recovery_code(code):
        if await second_factors.delete_recovery_code(session, factor.owner, sealer.digest(code, factor.owner)):
            await second_factors.save_step(session, factor.owner, factor.last_step)
            return None
    else:
        step = step_of(sealer.open(factor.sealed, SEALED_AS, factor.owner), code, now)
        answer = judge(factor, step)
        if answer is Answer.PASSED and step is not None:
            await second_factors.save_step(session, factor.owner, step)
            return None
        if answer is Answer.USED:
            return OtpWrong()
    await second_factors.save_failure(session, factor.owner, now)
    return OtpWrong()

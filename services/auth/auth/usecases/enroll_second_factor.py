"""Begin with a second factor: it counts once a code of it was given."""

from datetime import datetime

from kit.db import Session as Transaction

from auth.domain.audit import AuditEntry
from auth.domain.user import UserId
from auth.errors import SecondFactorActive
from auth.sealing import Sealer
from auth.store import audit, second_factors
from auth.usecases.check_second_factor import SEALED_AS


async def enroll_second_factor(
    session: Transaction, sealer: Sealer, owner: UserId, secret: bytes, now: datetime
) -> None:
    """Save a new secret, in place of one that was never activated.

    Raises:
        SecondFactorActive: when there is one; it must be disabled first.
    """
    if not await second_factors.save_enrolment(session, owner, sealer.seal(secret, SEALED_AS, owner), now):
        raise SecondFactorActive
    await audit.record(session, now, AuditEntry(str(owner), "second_factor_enrolled", str(owner)))

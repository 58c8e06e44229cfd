"""Set an owner's risk limits: what is tighter holds at once, what is looser waits, or needs fresh proof of who asks."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.domain.limits import LOOSENING_WAITS, NO_LIMITS, LimitsInForce, changes, is_looser, tightest
from trading.domain.request import AccountId
from trading.errors import AccountNotFound
from trading.store import accounts, limits
from trading.switch_events import LimitsChanged


@dataclass(frozen=True, slots=True)
class LimitsSet:
    """The limits that hold now, and those that will hold later, if any."""

    current: LimitsInForce
    pending: LimitsInForce | None


async def set_risk_limits(
    session: Session, owner: UUID, wanted: LimitsInForce, now: datetime, *, stepped_up: bool
) -> LimitsSet:
    """Replace the limits of one scope. Whatever was pending is withdrawn: the last word counts.

    Until a loosening comes into force, the tighter of old and new holds. The accounts are locked, so no order is being
    decided by the old limits when this is answered.
    """
    found = {account.id for account in await accounts.lock_all(session, owner)}
    if wanted.scope == "account" and AccountId(wanted.scope_id) not in found:
        raise AccountNotFound("You have no account of this id.")
    before, _ = await limits.find(session, owner, wanted.scope, wanted.scope_id, wanted.currency, now)
    await limits.delete_pending(session, owner, wanted, now)
    old = before.limits if before else NO_LIMITS
    looser = is_looser(wanted.limits, old)
    holds_at = now if stepped_up or not looser else now + LOOSENING_WAITS
    was, becomes = changes(old, wanted.limits)
    fact = LimitsChanged(
        scope=wanted.scope,
        scope_id=wanted.scope_id,
        currency=wanted.currency,
        is_looser=looser,
        effective_at=holds_at,
        old=was,
        new=becomes,
    )
    await record(session, fact, owner=owner)
    if holds_at == now:
        current = replace(wanted, effective_at=now)
        await limits.save(session, owner, current)
        return LimitsSet(current, None)
    current = replace(wanted, effective_at=now, limits=tightest((old, wanted.limits)))
    pending = replace(wanted, effective_at=holds_at)
    await limits.save(session, owner, current)
    await limits.save(session, owner, pending)
    return LimitsSet(current, pending)

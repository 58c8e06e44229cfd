"""End a signal that nobody answered in time, or whose moment never came."""

from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.domain.signal import Signal, SignalId, SignalStatus
from trading.store import automations, signals
from trading.usecases.settle_signal import settle_signal


async def expire_signal(session: Session, owner: UUID, signal_id: SignalId, now: datetime) -> Signal | None:
    """End a signal whose time is over; None when it goes on, or has ended already."""
    signal = await signals.lock(session, owner, signal_id)
    if signal is None or signal.is_settled:
        return None
    asked = signal.status is SignalStatus.ASKED
    until = signal.answer_until if asked else signal.valid_until
    automation = await automations.find(session, owner, signal.automation_id)
    if automation is None or until is None or now <= until:
        return None
    why = "nobody answered in time" if asked else "too late: its moment never came"
    return await settle_signal(session, owner, signal, automation.name, (SignalStatus.EXPIRED, why), now)

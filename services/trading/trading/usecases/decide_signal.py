"""Answer a signal that asks first: from the web, the phone, or a chat."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from kit.db import Session

from trading.domain.automation import STALE_AFTER
from trading.domain.signal import Signal, SignalId, SignalStatus
from trading.errors import SignalNotAsked, SignalNotFound
from trading.store import automations, signals
from trading.usecases.settle_signal import settle_signal

Decision = Literal["approve", "decline"]


async def decide_signal(
    session: Session, owner: UUID, signal_id: SignalId, decision: tuple[Decision, str], now: datetime
) -> Signal:
    """Let a signal go on, or end it; the first answer counts, within the deadline. `decision` says by which way."""
    signal = await signals.lock(session, owner, signal_id)
    if signal is None:
        raise SignalNotFound("You have no signal of this id.")
    automation = await automations.find(session, owner, signal.automation_id)
    if signal.status is not SignalStatus.ASKED or automation is None:
        raise SignalNotAsked(f"Nothing is asked about it: it is {signal.status}.")
    if signal.answer_until is not None and now > signal.answer_until:
        raise SignalNotAsked(f"The time to answer ended at {signal.answer_until:%Y-%m-%d %H:%M:%S} UTC.")
    wanted, by = decision
    if wanted == "decline":
        return await settle_signal(session, owner, signal, automation.name, (SignalStatus.DECLINED, by), now)
    lasts = signal.valid_until if signal.act_on else now + STALE_AFTER[automation.interval]
    approved = signal.approved(by, max(lasts, now))
    await signals.save(session, owner, approved)
    return approved

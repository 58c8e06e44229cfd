"""Raise a signal: it is kept, shown and told whether or not it becomes an order."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from quant.markets.listing import Side

from trading.automation_events import SignalRaised
from trading.domain.automation import STALE_AFTER, Automation
from trading.domain.signal import Reason, Signal, SignalId, SignalKind, SignalStatus, first_status
from trading.store import signals
from trading.store.together import write

NEXT_SESSION_WITHIN = timedelta(days=14)
"""Between two sessions of an exchange lie at most the longest holidays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What was said, about which bar or price, and why. `act_on` is the session it is meant for; None: this one."""

    id: SignalId
    symbol: str
    side: Side
    kind: SignalKind
    price: Decimal
    reasons: tuple[Reason, ...] = ()
    bar: datetime | None = None
    act_on: date | None = None
    trip_id: UUID | None = None
    target: Decimal | None = None


async def raise_signal(session: Session, owner: UUID, automation: Automation, said: Said, now: datetime) -> Signal:
    """Keep a signal as its automation's mode has it begin, and announce it."""
    status = first_status(automation.mode, said.kind)
    lasts = STALE_AFTER[automation.interval] if said.act_on is None else NEXT_SESSION_WITHIN
    answer_until = now + timedelta(seconds=automation.answer_seconds) if status is SignalStatus.ASKED else None
    signal = Signal(
        id=said.id,
        automation_id=automation.id,
        account_id=automation.account_id,
        symbol=said.symbol,
        side=said.side,
        kind=said.kind,
        price=said.price,
        target=said.target,
        bar=said.bar,
        reasons=said.reasons,
        mode=automation.mode,
        status=status,
        act_on=said.act_on,
        raised_at=now,
        valid_until=max(now + lasts, answer_until or now),
        answer_until=answer_until,
        trip_id=said.trip_id,
        settled_at=now if status is SignalStatus.NOTED else None,
    )
    await write(session, signals.adding(owner, signal), facts=[SignalRaised.of(signal, automation.name)], owner=owner)
    return signal

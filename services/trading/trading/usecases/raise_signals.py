"""Raise signals: they are kept, shown and told whether or not they become orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from kit.db import Session
from quant.markets.listing import Side

from trading.automation_events import SignalRaised
from trading.domain.automation import STALE_AFTER, Automation
from trading.domain.signal import Reason, Signal, SignalId, SignalKind, SignalStatus, first_status
from trading.store.automation import portions
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


async def raise_signals(
    session: Session, owner: UUID, said: Sequence[tuple[Automation, Said]], now: datetime
) -> list[Signal]:
    """Keep signals as the mode of each one's automation has it begin, and announce them, by one statement."""
    if not said:
        return []
    raised = [_begun(automation, each, now) for automation, each in said]
    facts = [SignalRaised.of(signal, automation.name) for signal, (automation, _) in zip(raised, said, strict=True)]
    await write(session, portions.adding(owner, raised), facts=facts, owner=owner)
    return raised


def _begun(automation: Automation, said: Said, now: datetime) -> Signal:
    status = first_status(automation.mode, said.kind)
    lasts = STALE_AFTER[automation.interval] if said.act_on is None else NEXT_SESSION_WITHIN
    answer_until = now + timedelta(seconds=automation.answer_seconds) if status is SignalStatus.ASKED else None
    return Signal(
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

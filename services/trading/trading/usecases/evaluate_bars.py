"""What one owner's automations do after closed bars that made them speak: signals, or nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.db import Session

from trading.domain.automation import Automation
from trading.domain.plan import Plan, Verdict, kind_after
from trading.domain.signal import Reason, Signal, SignalId, SignalKind
from trading.domain.trip import Trip
from trading.store.automation import portions
from trading.store.automation.portions import About
from trading.usecases.raise_signals import Said, raise_signals


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A bar that has been judged. `act_on` is the session after a day's bar; None within a day."""

    automation: Automation
    plan: Plan
    verdict: Verdict
    symbol: str
    scheduled_at: datetime
    close: Decimal
    act_on: date | None
    outcome: dict[str, Any]

    @property
    def about(self) -> About:
        """What it is about."""
        return self.automation.id, self.symbol


async def evaluate_bars(
    session: Session,
    owner: UUID,
    judged: Sequence[Evaluated],
    epoch: int,
    next_id: Callable[[], SignalId],
    now: datetime,
) -> list[Signal]:
    """End the due runs and raise their signals, in one transaction; none of those that were ended before.

    An automation has one judged bar of a symbol at a time.
    """
    ends = {each.about: (each.scheduled_at, each.outcome) for each in judged}
    assert len(ends) == len(judged), "one bar of each at a time"
    ended = await portions.settle(session, owner, ends, epoch, now)
    if not ended:
        return []
    trips = await portions.age_trips(session, owner, ended)
    stands = await portions.list_stands(session, owner, ended)
    said = []
    for each in judged:
        stand, trip = stands.get(each.about), trips.get(each.about)
        if stand is None or stand.is_pending:
            continue
        holds = stand.last_side == "buy" if stand.automation.mode == "notify" else trip is not None
        kind = kind_after(each.plan, each.verdict, trip.bars_held if trip else 0, holds=holds)
        if kind is not None:
            said.append((stand.automation, _said(each, kind, trip, next_id())))
    return await raise_signals(session, owner, said, now)


def _said(judged: Evaluated, kind: SignalKind, trip: Trip | None, signal_id: SignalId) -> Said:
    return Said(
        id=signal_id,
        symbol=judged.symbol,
        side="buy" if kind == "entry" else "sell",
        kind=kind,
        price=judged.close,
        reasons=tuple(Reason(each.text, repr(each.value)) for each in judged.verdict.readings),
        bar=judged.scheduled_at,
        act_on=judged.act_on,
        trip_id=trip.id if trip else None,
    )

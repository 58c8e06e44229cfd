"""Say what a strategy's rules mean for one automation after one closed bar: a signal, or nothing."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kit.db import Session

from trading.domain.automation import Automation, Phase
from trading.domain.plan import Plan, Verdict, kind_after
from trading.domain.signal import Reason, Signal, SignalId
from trading.store import automations, runs, signals
from trading.store.runs import Settlement
from trading.usecases.raise_signal import Said, raise_signal


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
    epoch: int


async def evaluate_bar(
    session: Session, owner: UUID, judged: Evaluated, signal_id: SignalId, now: datetime
) -> Signal | None:
    """End the due run and raise its signal, in one transaction; None when it was ended before, or says nothing."""
    automation, symbol = judged.automation, judged.symbol
    run = (Phase.EVALUATE, symbol, judged.scheduled_at)
    end = Settlement("done", judged.outcome, judged.epoch)
    if not await runs.settle(session, owner, automation.id, run, end, now):
        return None
    trip = await signals.find_open_trip(session, owner, automation.id, symbol)
    age = 0
    if trip is not None:
        age = trip.bars_held + 1
        await signals.save_trip(session, owner, replace(trip, bars_held=age))
    holds = trip is not None
    if automation.mode == "notify":
        latest = await signals.find_latest(session, owner, automation.id, symbol)
        holds = latest is not None and latest.side == "buy"
    kind = kind_after(judged.plan, judged.verdict, age, holds=holds)
    if kind is None or await signals.find_pending(session, owner, automation.id, symbol) is not None:
        return None
    present = await automations.find(session, owner, automation.id)
    said = Said(
        id=signal_id,
        symbol=symbol,
        side="buy" if kind == "entry" else "sell",
        kind=kind,
        price=judged.close,
        reasons=tuple(Reason(each.text, repr(each.value)) for each in judged.verdict.readings),
        bar=judged.scheduled_at,
        act_on=judged.act_on,
        trip_id=trip.id if trip else None,
    )
    return await raise_signal(session, owner, present or automation, said, now)

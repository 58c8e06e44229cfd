"""Show an automation's trip a price: it is protected, follows, is ended by a stop, or is over."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.domain.automation import Automation, breach_of
from trading.domain.day import day_began
from trading.domain.plan import Plan
from trading.domain.quote import Quote
from trading.domain.signal import PROTECTIVE, Signal, SignalId
from trading.domain.trip import Trip, follow, protect, touched
from trading.store import automations, signals
from trading.usecases.breach_automation import breach_automation
from trading.usecases.raise_signals import Said, raise_signals


async def watch_trip(
    session: Session,
    owner: UUID,
    known: Trip,
    basis: tuple[Plan | None, Quote | None],
    signal_id: SignalId,
    now: datetime,
) -> tuple[Trip | None, Signal | None]:
    """Move a trip along; return it as it is now (None when it is over), and the signal that ends it, if one does.

    The automation is locked first, as whoever acts on a signal does.
    """
    plan, quote = basis
    automation = await automations.lock(session, owner, known.automation_id)
    trip = await signals.lock_trip(session, owner, known.id)
    if trip is None or trip.closed_at is not None:
        return None, None
    holdings = await signals.find_holdings(session, owner, trip.id)
    if holdings.is_over:
        await _close(session, owner, trip, automation, now)
        return None, None
    if plan is None or quote is None or not quote.is_regular_session or not holdings.left:
        return trip, None
    moved = trip
    if moved.peak_price is None and holdings.average_price is not None:
        moved = protect(moved, plan, holdings.average_price, quote)
    kind = touched(moved, quote.price)
    moved = follow(moved, plan, quote)
    if moved is not trip:
        await signals.save_trip(session, owner, moved)
    if kind is None or holdings.is_leaving or automation is None:
        return moved, None
    pending = await signals.find_pending(session, owner, trip.automation_id, trip.symbol)
    if pending is not None and pending.kind in PROTECTIVE:
        return moved, None
    said = Said(id=signal_id, symbol=trip.symbol, side="sell", kind=kind, price=quote.price, trip_id=trip.id)
    return moved, (await raise_signals(session, owner, [(automation, said)], now))[0]


async def _close(session: Session, owner: UUID, trip: Trip, automation: Automation | None, now: datetime) -> None:
    """End a trip; what it has lost may be more than its automation is to lose in a day."""
    await signals.save_trip(session, owner, replace(trip, closed_at=now))
    if automation is None:
        return
    money = await signals.find_money(session, owner, automation.id, day_began(automation.market, now))
    if (reason := breach_of(automation, money.profit_today)) is not None:
        await breach_automation(session, owner, automation, reason, now)

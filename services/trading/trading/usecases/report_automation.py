"""What an automation finds before the open and comes to after the close, told to its owner when it matters."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from uuid import UUID

from kit.db import Session
from kit.events import record

from trading.automation_events import AutomationReported
from trading.domain.automation import Automation, Phase, Status
from trading.domain.day import day_began
from trading.domain.order import AT_BROKER
from trading.store import orders, positions, runs, signals
from trading.store.runs import Settlement


@dataclass(frozen=True, slots=True, kw_only=True)
class Appointment:
    """A due run of the clock: `bars` is the last stored day of each symbol, as market has it, before the open."""

    automation: Automation
    phase: Phase
    scheduled_at: datetime
    day: date
    previous_day: date
    bars: dict[str, date | None]
    epoch: int


async def report_automation(session: Session, owner: UUID, due: Appointment, now: datetime) -> list[str] | None:
    """End the run; return its problems, or None when it was ended before."""
    automation = due.automation
    began = day_began(automation.market, due.scheduled_at)
    money = await signals.find_money(session, owner, automation.id, began)
    evaluated = await runs.count_evaluated(session, owner, automation.id, began)
    raised = await signals.list_raised(session, owner, automation.id, began, now)
    problems = await _before(session, owner, due) if due.phase is Phase.PREPARE else _after(due, evaluated)
    problems += await _unjudged(session, owner, due)
    outcome = {"bars": evaluated, "signals": len(raised), "problems": problems}
    run = (due.phase, "", due.scheduled_at)
    if not await runs.settle(session, owner, automation.id, run, Settlement("done", outcome, due.epoch), now):
        return None
    report = AutomationReported(
        automation_id=automation.id,
        name=automation.name,
        phase=due.phase,
        day=due.day,
        bars=evaluated,
        signals=len(raised),
        orders=money.orders_today,
        profit_today=money.profit_today,
        problems=problems,
    )
    await record(session, report, owner=owner)
    return problems


async def _before(session: Session, owner: UUID, due: Appointment) -> list[str]:
    """Bars complete, positions as we think they are, yesterday's orders at their end."""
    automation, found = due.automation, []
    held = [trip.symbol for trip in await signals.list_open_trips(session, owner, automation.id)]
    for symbol in automation.symbols or sorted(held):
        last = due.bars.get(symbol)
        if last is None:
            found.append(f"There are no bars of {symbol}.")
        elif last < due.previous_day:
            found.append(f"The bars of {symbol} end on {last}; the last session was on {due.previous_day}.")
        trip = await signals.find_open_trip(session, owner, automation.id, symbol)
        if trip is None:
            continue
        holdings = await signals.find_holdings(session, owner, trip.id)
        position = await positions.find(session, owner, automation.account_id, symbol)
        there = position.quantity if position else 0
        if holdings.left > there:
            found.append(f"It should have {holdings.left:f} shares of {symbol}, and the account has {there:f}.")
        entry = await orders.find(session, owner, trip.entry_order_id)
        if entry is not None and entry.status in AT_BROKER:
            found.append(f"Its order for {symbol} of {entry.created_at:%Y-%m-%d} is still {entry.status}.")
    return found


async def _unjudged(session: Session, owner: UUID, due: Appointment) -> list[str]:
    """Bars that came and could not be judged, by why: a day's in the next morning, shorter ones after the close."""
    is_daily = due.automation.interval == "1d"
    if is_daily is not (due.phase is Phase.PREPARE):
        return []
    since = datetime.combine(due.previous_day if is_daily else due.day, time.min, UTC)
    looked = await runs.list_evaluated(session, owner, due.automation.id, since, due.scheduled_at)
    whys = Counter(str((run.outcome or {}).get("why")) for run in looked if run.status == "skipped")
    return [f"So many bars were not judged: {count}, for this reason: {why}." for why, count in whys.items()]


def _after(due: Appointment, evaluated: int) -> list[str]:
    """Bars were due all day: that none came is the very thing nobody would notice."""
    automation = due.automation
    if automation.status is Status.RUNNING and automation.interval != "1d" and evaluated == 0:
        return [f"No bar of {', '.join(automation.symbols[:5])} closed today: nothing could be traded."]
    return []

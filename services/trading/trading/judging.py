"""Judges a closed bar for every automation that follows it, and what a price moves; equal questions are asked once."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from trading.clients.market import History
from trading.domain.automation import STALE_AFTER, Phase, Status
from trading.domain.plan import Plan, UnusableDocument, Verdict, pronounce, read_plan
from trading.domain.quote import Quote
from trading.domain.signal import Signal, SignalStatus, timing
from trading.domain.trip import Trip, follow, touched
from trading.store.automation.system import DueRun, Owned

APPOINTMENT_STALE_AFTER: Final = timedelta(hours=2)


def judge_all(runs: Sequence[DueRun], histories: dict[str, History]) -> list[tuple[DueRun, tuple[Plan, Verdict] | str]]:
    """What the rules say for each run, or why they cannot; a run whose bar is not there yet is left out.

    It takes its time: run it in a thread.
    """
    known: dict[Any, tuple[Plan, Verdict] | str | None] = {}
    judged: list[tuple[DueRun, tuple[Plan, Verdict] | str]] = []
    for run in runs:
        document = run.document or {}
        key = (document.get("entry"), document.get("exit"), run.symbol, run.automation.history_from)
        if key not in known:
            known[key] = _judge(run, histories.get(run.symbol))
        found = known[key]
        if isinstance(found, tuple):
            judged.append((run, (read_plan(document), found[1])))
        elif found is not None:
            judged.append((run, found))
    return judged


def _judge(run: DueRun, history: History | None) -> tuple[Plan, Verdict] | str | None:
    """None: the bar is not there yet, and the run stays due until it is stale."""
    if history is None or history.last is None or history.last < run.scheduled_at:
        return None
    try:
        plan = read_plan(run.document or {})
    except UnusableDocument as unusable:
        return str(unusable)
    except (KeyError, ValueError, TypeError) as odd:  # what one document has wrong is no matter of the others
        return f"the strategy's document cannot be read: {odd!r}"
    bars = history.between(run.automation.history_from, run.scheduled_at)
    if bars.last != run.scheduled_at:
        return None
    if len(bars) < plan.bars_needed:
        return f"{len(bars)} bars are too few: the rules need {plan.bars_needed}"
    return plan, pronounce(plan, bars.frame)


def outcome_of(verdict: Verdict) -> dict[str, Any]:
    readings = {each.text: repr(each.value) for each in verdict.readings}
    return {"entry": verdict.entry, "exit": verdict.exit, "readings": readings}


def plan_of(document: dict[str, Any] | None) -> Plan | None:
    return None if document is None else read_plan(document)


def by_symbol(things: Sequence[Owned[Any]]) -> dict[str, list[Owned[Any]]]:
    found = defaultdict(list)
    for each in things:
        found[each.thing.symbol].append(each)
    return dict(found)


def is_over(signal: Signal, now: datetime) -> bool:
    until = signal.answer_until if signal.status is SignalStatus.ASKED else signal.valid_until
    return until is not None and now > until


def is_timely(signal: Signal, quote: Quote, now: datetime) -> bool:
    """Whether a price ends a signal's waiting, one way or the other."""
    return signal.status is SignalStatus.WAITING and timing(signal, quote, now) != "wait"


def is_moved(trip: Owned[Trip], quote: Quote) -> bool:
    """Whether a quote does anything to a trip; what would not costs no transaction."""
    plan, held = plan_of(trip.document), trip.thing
    if plan is None or held.peak_price is None or not quote.is_regular_session:
        return False
    if trip.automation.status is Status.STOPPED:
        return False
    return touched(held, quote.price) is not None or follow(held, plan, quote) is not held


def patience_for(run: DueRun) -> timedelta:
    return STALE_AFTER[run.automation.interval] if run.phase is Phase.EVALUATE else APPOINTMENT_STALE_AFTER

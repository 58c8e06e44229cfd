"""Judges a closed bar for every automation that follows it; equal questions are asked once."""

from collections.abc import Sequence
from typing import Any

from trading.clients.market import History
from trading.domain.plan import Plan, UnusableDocument, Verdict, pronounce, read_plan
from trading.store.automation.system import DueRun


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

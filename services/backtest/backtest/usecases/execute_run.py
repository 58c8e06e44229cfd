"""Compute a requested run in phases: begin (commit), ask for bars and compute, finish (commit).

The message comes again if the worker dies anywhere in between; then the run begins again, or, if it had ended, is left
as it is. Two workers with the same run compute the same, and the first to finish wins.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, TypeVarTuple
from uuid import UUID

from kit.consumer import take
from kit.events import record
from quant.backtest import OffCalendar
from quant.rules import RuleError

from backtest.domain.fingerprint import fingerprint
from backtest.domain.grid import portions
from backtest.domain.outcome import Basis, Simulation, Sweep, Trial, ranked
from backtest.domain.prices import Prices, examine
from backtest.domain.run import Refusal, Run, RunId
from backtest.domain.simulation import lacks_history, simulate, try_all
from backtest.events import RunFinished, summary_of
from backtest.store import results, runs
from backtest.workshop import Workshop

CONSUMER = "backtest"

Arguments = TypeVarTuple("Arguments")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Errand:
    """Which run to compute, for whom, and the message that asks for it."""

    owner: UUID
    run_id: RunId
    message_id: UUID


async def execute_run(workshop: Workshop, errand: Errand) -> None:
    run = await _begin(workshop, errand)
    if run is None:
        return
    prices = examine(run.task.terms, await workshop.history_of(run.task.terms))
    if isinstance(prices, Refusal):
        await _fail(workshop, errand, prices)
        return
    try:
        if (short := lacks_history(run.task, prices)) is not None:
            await _fail(workshop, errand, short)
            return
        outcome = await _compute(workshop, errand, run, prices)
    except RuleError as unusable:
        await _fail(workshop, errand, Refusal("invalid_rule", str(unusable)))
        return
    except OffCalendar as outside:
        said = f"The bars do not fit the event-driven engine ({outside}); choose other days, or the compiled engine."
        await _fail(workshop, errand, Refusal("off_calendar", said))
        return
    basis = Basis(
        fingerprint=fingerprint(run.task, prices, workshop.code_version),
        board=prices.board,
        kind=prices.kind,
        currency=prices.currency,
        bars=len(prices.bars),
        first_date=prices.first_date,
        last_date=prices.last_date,
    )
    await _finish(workshop, errand, basis, outcome)


async def _begin(workshop: Workshop, errand: Errand) -> Run | None:
    """Mark the run as running; None, and the message done with, if it has ended already or does not exist any more."""
    async with workshop.database.owned(errand.owner) as session:
        run = await runs.lock(session, errand.owner, errand.run_id)
        if run is None or run.is_finished:
            await take(session, errand.message_id, CONSUMER)
            return None
        begun = run.begun()
        await runs.save(session, errand.owner, begun)
        return begun


async def _compute(workshop: Workshop, errand: Errand, run: Run, prices: Prices) -> Simulation | Sweep:
    if run.task.grid is None or run.task.objective is None:
        return await _in_pool(workshop, simulate, run.task, prices)
    trials: list[Trial] = []
    for portion in portions(run.task.grid):
        trials += await _in_pool(workshop, try_all, run.task, prices, portion)
        async with workshop.database.owned(errand.owner) as session:
            await runs.save_progress(session, errand.owner, errand.run_id, len(trials))
    return Sweep(ranked(trials, run.task.objective))


async def _in_pool(workshop: Workshop, function: Callable[[*Arguments], T], *args: *Arguments) -> T:
    """Compute in a thread, so that the worker goes on publishing and other owners' runs begin."""
    return await asyncio.get_running_loop().run_in_executor(workshop.pool, function, *args)


async def _finish(workshop: Workshop, errand: Errand, basis: Basis, outcome: Simulation | Sweep) -> None:
    async with workshop.database.owned(errand.owner) as session:
        run = await runs.lock(session, errand.owner, errand.run_id)
        if run is not None and not run.is_finished:
            done = run.ended(workshop.clock())
            await runs.save(session, errand.owner, done)
            await results.save(session, errand.owner, done.id, basis, outcome)
            fact = RunFinished(run_id=done.id, kind=done.task.kind, status="done", summary=summary_of(outcome.metrics))
            await record(session, fact, owner=errand.owner)
        await take(session, errand.message_id, CONSUMER)


async def _fail(workshop: Workshop, errand: Errand, refusal: Refusal) -> None:
    async with workshop.database.owned(errand.owner) as session:
        run = await runs.lock(session, errand.owner, errand.run_id)
        if run is not None and not run.is_finished:
            failed = run.ended(workshop.clock(), refusal)
            await runs.save(session, errand.owner, failed)
            fact = RunFinished(run_id=failed.id, kind=failed.task.kind, status="failed", summary=None)
            await record(session, fact, owner=errand.owner)
        await take(session, errand.message_id, CONSUMER)

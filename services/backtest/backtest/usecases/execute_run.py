"""Work off a requested run in phases: begin (commit), ask for bars, then compute and finish, or divide (commit).

A backtest is computed here, at once: somebody waits for it. What tries many combinations is divided into chunks, which
computers take by ticket. The message comes again if the worker dies anywhere in between; then the run begins again, or,
if it had ended, is left as it is. Two workers with the same run compute the same, and the first to finish wins.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar, TypeVarTuple
from uuid import UUID

from kit.consumer import take
from quant.backtest import OffCalendar
from quant.rules import RuleError

from backtest.domain.budget import beyond_budget
from backtest.domain.fingerprint import basis_of, basis_of_many
from backtest.domain.ground import Ground
from backtest.domain.holdings import examine_universe, fields_of, hold, with_listings
from backtest.domain.outcome import Basis, Simulation
from backtest.domain.prices import examine, with_days
from backtest.domain.run import Refusal, Run, RunId
from backtest.domain.simulation import lacks_history, simulate
from backtest.domain.strategy import Portfolio
from backtest.store import runs
from backtest.usecases.divide_run import divide_run
from backtest.usecases.fail_run import fail_run
from backtest.usecases.finish_run import finish_run
from backtest.workshop import Workshop

CONSUMER = "backtest"
TOO_FEW = frozenset({"no_bars", "period_too_short", "not_enough_history"})
LOOK_AROUND = timedelta(days=10)
"""A market trades on some of so many days."""

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
    if run.task.rules.portfolio is not None:
        await _hold(workshop, errand, run, run.task.rules.portfolio)
    else:
        await _test(workshop, errand, run)


async def _test(workshop: Workshop, errand: Errand, run: Run) -> None:
    """One strategy on one symbol, or many combinations of it."""
    prices = examine(run.task.terms, await workshop.history_of(run.task.terms))
    if isinstance(prices, Refusal):
        await _fail(workshop, errand, await _with_days(workshop, run, prices))
        return
    try:
        if (refused := lacks_history(run.task, prices) or beyond_budget(run.task, prices)) is not None:
            await _fail(workshop, errand, await _with_days(workshop, run, refused))
            return
        if run.task.grid is not None:
            await _divide(workshop, errand, run, prices)
            return
        outcome = await _in_pool(workshop, simulate, run.task, prices)
    except RuleError as unusable:
        await _fail(workshop, errand, Refusal("invalid_rule", str(unusable)))
        return
    except OffCalendar as outside:
        said = f"The bars do not fit the event-driven engine ({outside}); choose other days, or the compiled engine."
        await _fail(workshop, errand, Refusal("off_calendar", said))
        return
    await _finish(workshop, errand, (basis_of(run.task, prices, workshop.code_version), outcome))


async def _hold(workshop: Workshop, errand: Errand, run: Run, portfolio: Portfolio) -> None:
    """The same for a portfolio, which is computed on all bars of its universe."""
    task = run.task
    try:
        gathered = await workshop.universe_of(task.terms, portfolio, fields_of(task))
        universe = examine_universe(task, gathered)
        if isinstance(universe, Refusal):
            await _fail(workshop, errand, await _with_listings(workshop, run, portfolio, universe))
            return
        if task.grid is not None:
            await _divide(workshop, errand, run, universe)
            return
        outcome = await _in_pool(workshop, hold, task, universe)
    except RuleError as unusable:
        await _fail(workshop, errand, Refusal("invalid_rule", str(unusable)))
        return
    except OffCalendar as outside:
        said = f"A bar lies on a day without a session ({outside}); choose days from 1999 to 2028, or import it again."
        await _fail(workshop, errand, Refusal("off_calendar", said))
        return
    basis = await _in_pool(workshop, basis_of_many, task, universe, workshop.code_version)
    await _finish(workshop, errand, (basis, outcome))


async def _with_days(workshop: Workshop, run: Run, refused: Refusal) -> Refusal:
    """Where a period has too few bars, say on which days there are some."""
    if refused.code not in TOO_FEW or (run.task.terms.start is None and run.task.terms.end is None):
        return refused
    return with_days(refused, await workshop.history_of(replace(run.task.terms, start=None, end=None)))


async def _with_listings(workshop: Workshop, run: Run, portfolio: Portfolio, refused: Refusal) -> Refusal:
    """Where a universe is empty, say what its market has at the end of the period."""
    end = run.task.terms.end
    if refused.code != "no_bars" or end is None:
        return refused
    terms = replace(run.task.terms, start=end - LOOK_AROUND)
    return with_listings(refused, await workshop.universe_of(terms, Portfolio(portfolio.market, (), 1), ()))


async def _divide(workshop: Workshop, errand: Errand, run: Run, ground: Ground) -> None:
    await divide_run(workshop, errand.owner, run, ground)
    async with workshop.database.owned(errand.owner) as session:
        await take(session, errand.message_id, CONSUMER)


async def _finish(workshop: Workshop, errand: Errand, result: tuple[Basis, Simulation]) -> None:
    async with workshop.database.owned(errand.owner) as session:
        await finish_run(session, errand.owner, errand.run_id, result, workshop.clock())
        await take(session, errand.message_id, CONSUMER)


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


async def _in_pool(workshop: Workshop, function: Callable[[*Arguments], T], *args: *Arguments) -> T:
    """Compute in a thread, so that the worker goes on publishing and other owners' runs begin."""
    return await asyncio.get_running_loop().run_in_executor(workshop.pool, function, *args)


async def _fail(workshop: Workshop, errand: Errand, refusal: Refusal) -> None:
    async with workshop.database.owned(errand.owner) as session:
        await fail_run(session, errand.owner, errand.run_id, refusal, workshop.clock())
        await take(session, errand.message_id, CONSUMER)

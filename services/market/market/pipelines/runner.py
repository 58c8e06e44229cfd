"""Owns the pipelines: one worker at a time plans what falls due, does one run after another, and tries again later.

Who loses the right to run is stopped in the middle of a run. What a run does is safe to be done twice: bars are merged,
screens remember the day. A run that a dead worker left begins anew.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import structlog
from kit.db import Database
from kit.ids import new_id
from quant.markets.listing import Market

from market import lease
from market.domain.breaker import Breaker
from market.domain.pipeline import CHAIN, Pipeline, Run, RunId, days_due, pause_after
from market.panels import Panels
from market.pipelines.adjust import explain_jumps
from market.pipelines.announced import record_announced
from market.pipelines.collect import NotYet, Progress, collect
from market.pipelines.figures import Figures, collect_figures
from market.pipelines.minutes import Minutes, NotSetUp, collect_minutes
from market.pipelines.screens import run_screens
from market.pipelines.upkeep import clean_up
from market.providers.failover import Failover
from market.providers.kis_calls import KisCalls
from market.providers.yahoo import Yahoo
from market.store import pipelines

LOOK_SECONDS = 5.0
PROGRESS_SECONDS = 1.0
ERROR_LENGTH_MAX = 500
MARKETS: Final[tuple[Market, ...]] = ("KRX", "US")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that is asked for prices, figures, splits and what else companies do to their shares."""

    bars: Failover
    figures: Figures
    splits: Yahoo | None = None
    minutes: Minutes = field(default_factory=Minutes)
    announced: KisCalls | None = None


class PipelineRunner:
    """Does the runs of all markets."""

    def __init__(
        self, database: Database, panels: Panels, sources: Sources, system_url: str, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._panels = panels
        self._failover = sources.bars
        self._figures = sources.figures
        self._splits = sources.splits
        self._minutes = sources.minutes
        self._announced = sources.announced
        self._failover.changed = self._remember
        self._system_url = system_url
        self._clock = clock

    async def run(self) -> None:
        """Work until cancelled, through every restart of the database."""
        await lease.work_alone(self._system_url, lease.Right.RUN_PIPELINES, self._work_alone)

    async def _work_alone(self, _held: lease.Held) -> None:
        async with self._database.system() as session:
            self._failover.remember(await pipelines.list_breakers(session))
            for left in await pipelines.list_interrupted(session):
                await pipelines.save(session, replace(left, status="waiting", not_before=self._clock()))
        log.info("pipelines run")
        while True:
            await self._plan()
            if not await self._do_next():
                await asyncio.sleep(LOOK_SECONDS)

    async def _plan(self) -> None:
        """Write down what falls due by the calendar; without any source nothing does."""
        moment = self._clock()
        for market in MARKETS:
            if not (chain := self._chain_of(market)):
                continue
            async with self._database.system() as session:
                last = await pipelines.find_last_planned(session, market)
                due = [
                    Run(RunId(new_id()), pipeline, market, day, "waiting", 0, moment, moment)
                    for day in days_due(market, last, moment)
                    for pipeline in chain
                ]
                if due:
                    await pipelines.save_new(session, due, again=False)

    def _chain_of(self, market: Market) -> list[Pipeline]:
        """What is done after each session of a market: that for which there are sources."""
        has_bars = any(market in one.provenance.markets for one in self._failover.providers)
        has_minutes = bool(self._minutes.of(market))
        return [each for each in CHAIN if (has_minutes if each == "minutes" else has_bars)]

    async def _do_next(self) -> bool:
        async with self._database.system() as session:
            run = await pipelines.find_next(session, self._clock(), CHAIN)
            if run is None:
                return False
            begun = replace(run, status="running", attempts=run.attempts + 1, started_at=self._clock(), error=None)
            await pipelines.save(session, begun)
        try:
            report = await self._work(begun)
        except Exception as failed:  # whatever it is, it is written down, and the next run is done
            log.warning("a pipeline failed", pipeline=run.pipeline, market=run.market, day=str(run.day), exc_info=True)
            await self._end(begun, error=failed)
            return True
        await self._end(begun, report=report)
        return True

    async def _work(self, run: Run) -> dict[str, Any]:
        progress = self._progress_of(run)
        match run.pipeline:
            case "collect":
                return await collect(self._database, self._failover, run.market, run.day, progress)
            case "adjust":
                told = await record_announced(self._database, self._failover, self._announced, run.market, run.day)
                return told | await explain_jumps(self._database, self._failover, self._splits, run.market, run.day)
            case "figures":
                return await collect_figures(
                    self._database, self._failover, self._figures, run.market, run.day, progress
                )
            case "screens":
                return await run_screens(self._database, self._panels, run.market, run.day, progress)
            case "minutes":
                return await collect_minutes(
                    self._database, self._failover, self._minutes, run.market, run.day, progress
                )
            case "clean_up":
                return await clean_up(self._database, run.day)

    def _progress_of(self, run: Run) -> Progress:
        clock = asyncio.get_running_loop().time
        told_at = float("-inf")

        async def progress(done: int, total: int) -> None:
            nonlocal told_at
            if clock() - told_at < PROGRESS_SECONDS:
                return
            told_at = clock()
            async with self._database.system() as session:
                await pipelines.save_progress(session, run.id, done, total)

        return progress

    async def _end(self, run: Run, report: dict[str, Any] | None = None, error: Exception | None = None) -> None:
        moment = self._clock()
        if error is None:
            ended = replace(run, status="finished", finished_at=moment, report=report or {}, done=1, total=1)
        else:
            said = str(error) if isinstance(error, NotYet | NotSetUp) else repr(error)
            pause = None if isinstance(error, NotSetUp) else pause_after(run.attempts)
            ended = replace(run, status="failed", finished_at=moment, error=said[:ERROR_LENGTH_MAX])
            if pause is not None:
                ended = replace(ended, status="waiting", finished_at=None, not_before=moment + pause)
        async with self._database.system() as session:
            await pipelines.save(session, ended)
            if ended.status == "failed" and ended.pipeline == "collect":
                # what builds on the day's bars cannot succeed either, and must not hold up the days that follow
                await pipelines.save_given_up(session, ended.market, ended.day, f"collect failed: {ended.error}")

    async def _remember(self, breaker: Breaker) -> None:
        async with self._database.system() as session:
            await pipelines.save_breaker(session, breaker)

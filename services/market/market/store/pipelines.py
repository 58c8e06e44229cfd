"""Runs of pipelines, and the breakers of sources."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from kit.db import Session
from quant.markets.listing import Market
from sqlalchemy import Row, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from market.domain.breaker import Breaker
from market.domain.pipeline import Pipeline, Run, RunId
from market.store.tables import pipeline_runs, source_breakers

SHARED = "pipelines are the operator's work on prices that belong to nobody"

NEXT = text(
    """
    SELECT * FROM pipeline_runs run
     WHERE status = 'waiting' AND not_before <= :moment
       AND NOT EXISTS (SELECT FROM pipeline_runs earlier
                        WHERE earlier.market = run.market AND earlier.status IN ('waiting', 'running')
                          AND (earlier.day, array_position(:chain, earlier.pipeline))
                            < (run.day, array_position(:chain, run.pipeline)))
     ORDER BY day, array_position(:chain, pipeline) LIMIT 1
    """
)


async def save_new(session: Session, runs: Sequence[Run], *, again: bool) -> None:
    """Keep runs that wait; one that exists for its pipeline, market and day is begun anew only when told `again`."""
    statement = insert(pipeline_runs)
    if again:
        names = ("status", "attempts", "not_before", "requested_at", "done", "total", "report", "error")
        statement = statement.on_conflict_do_update(
            index_elements=["pipeline", "market", "day"],
            set_={name: statement.excluded[name] for name in names},
            where=or_(pipeline_runs.c.status == "finished", pipeline_runs.c.status == "failed"),
        )
    else:
        statement = statement.on_conflict_do_nothing()
    await session.execute(statement, [asdict(run) for run in runs])


async def find_next(session: Session, moment: datetime, chain: Sequence[Pipeline]) -> Run | None:
    """The run to do now: due, and nothing of its market that comes before it is still to be done."""
    row = (await session.execute(NEXT, {"moment": moment, "chain": list(chain)})).first()
    return None if row is None else _run(row)


async def save(session: Session, run: Run) -> None:
    """Write down how a run stands."""
    values = asdict(run)
    del values["id"]
    await session.execute(update(pipeline_runs).where(pipeline_runs.c.id == run.id).values(values))


async def save_progress(session: Session, run_id: RunId, done: int, total: int) -> None:
    """Write down how far a run is."""
    await session.execute(update(pipeline_runs).where(pipeline_runs.c.id == run_id).values(done=done, total=total))


async def save_given_up(session: Session, market: Market, day: date, error: str) -> None:
    """Give up what still waits for a day whose bars never came."""
    c = pipeline_runs.c
    waiting = update(pipeline_runs).where(c.market == market, c.day == day, c.status == "waiting")
    await session.execute(waiting.values(status="failed", error=error))


async def list_interrupted(session: Session) -> list[Run]:
    """Runs that somebody began and nobody is doing any more."""
    found = await session.execute(select(pipeline_runs).where(pipeline_runs.c.status == "running"))
    return [_run(row) for row in found]


async def list_newest(
    session: Session, limit: int, market: Market | None = None, days: tuple[date, date] = (date.min, date.max)
) -> list[Run]:
    """The runs of a span of days, both ends included, the newest days first."""
    wanted = select(pipeline_runs).where(pipeline_runs.c.day.between(*days))
    if market is not None:
        wanted = wanted.where(pipeline_runs.c.market == market)
    newest = wanted.order_by(pipeline_runs.c.day.desc(), pipeline_runs.c.pipeline, pipeline_runs.c.market).limit(limit)
    return [_run(row) for row in await session.execute(newest)]


async def find_last_planned(session: Session, market: Market) -> date | None:
    """The newest day that was ever planned to be collected, back-fills included."""
    wanted = select(func.max(pipeline_runs.c.day))
    collects = wanted.where(pipeline_runs.c.market == market, pipeline_runs.c.pipeline == "collect")
    newest: date | None = await session.scalar(collects)
    return newest


async def delete_before(session: Session, day: date) -> int:
    """Forget runs of days long ago."""
    return (await session.execute(delete(pipeline_runs).where(pipeline_runs.c.day < day))).rowcount


async def save_breaker(session: Session, breaker: Breaker) -> None:
    """Remember a breaker, for whoever asks the sources next."""
    values = asdict(breaker)
    statement = insert(source_breakers).values(values)
    await session.execute(statement.on_conflict_do_update(index_elements=["source"], set_=values))


async def list_breakers(session: Session) -> list[Breaker]:
    """What is remembered of every source."""
    return [Breaker(**dict(row._mapping)) for row in await session.execute(select(source_breakers))]


def _run(row: Row[Any]) -> Run:
    return Run(**dict(row._mapping))

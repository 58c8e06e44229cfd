"""Runs, of one owner at a time."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from kit.db import Session
from quant.markets.symbols import Listing
from sqlalchemy import RowMapping, func, select, text, update
from sqlalchemy import delete as remove
from sqlalchemy.dialects.postgresql import insert

from backtest.domain import document, limits
from backtest.domain.run import Refusal, Run, RunId, Task, Terms, Waiting
from backtest.domain.strategy import StrategyId
from backtest.store.tables import files, results, runs, trades, trials

_LOCK_OWNER = text("SELECT pg_advisory_xact_lock(hashtextextended('runs:' || :owner, 0))")


async def find(session: Session, owner: UUID, run_id: RunId) -> Run | None:
    """Return a run, or None if this owner has none of that id."""
    query = select(runs).where(runs.c.owner_id == owner, runs.c.id == run_id)
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else run_from(row)


async def lock(session: Session, owner: UUID, run_id: RunId) -> Run | None:
    """Return a run and keep other workers from changing it until the transaction ends."""
    query = select(runs).where(runs.c.owner_id == owner, runs.c.id == run_id).with_for_update()
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else run_from(row)


async def lock_waiting(session: Session, owner: UUID) -> Waiting:
    """Count what an owner has under way, and keep the owner from adding to it until the transaction ends."""
    await session.execute(_LOCK_OWNER, {"owner": str(owner)})
    counted = select(func.count(), func.coalesce(func.sum(runs.c.total - runs.c.done), 0))
    count, trials = (await session.execute(counted.where(runs.c.owner_id == owner, runs.c.finished_at.is_(None)))).one()
    return Waiting(int(count), int(trials))


async def list_page(session: Session, owner: UUID, before: RunId | None, limit: int) -> list[Run]:
    """Return the newest runs, or those asked for before one of them."""
    query = select(runs).where(runs.c.owner_id == owner)
    if before is not None:
        query = query.where(runs.c.id < before)
    rows = (await session.execute(query.order_by(runs.c.id.desc()).limit(limit))).mappings()
    return [run_from(row) for row in rows]


async def list_some(session: Session, owner: UUID, run_ids: Collection[RunId]) -> list[Run]:
    """Return those of these runs that there are."""
    query = select(runs).where(runs.c.owner_id == owner, runs.c.id.in_(run_ids))
    return [run_from(row) for row in (await session.execute(query)).mappings()]


async def save(session: Session, owner: UUID, run: Run) -> None:
    """Write a run, new or further on its way; what was asked for never changes."""
    state = {
        "status": run.status,
        "done": run.done,
        "error_code": run.refusal.code if run.refusal else None,
        "error": run.refusal.detail if run.refusal else None,
        "finished_at": run.finished_at,
    }
    fresh = insert(runs).values(id=run.id, owner_id=owner, **_request(run), **state)
    await session.execute(fresh.on_conflict_do_update(index_elements=["id"], set_=state))


async def save_progress(session: Session, owner: UUID, run_id: RunId, done: int) -> None:
    """Write how far a run has come, unless it has ended meanwhile."""
    mine = (runs.c.owner_id == owner, runs.c.id == run_id, runs.c.status == "running")
    await session.execute(update(runs).where(*mine).values(done=done))


def _request(run: Run) -> dict[str, Any]:
    task, terms = run.task, run.task.terms
    return {
        "strategy_id": run.strategy_id,
        "kind": task.kind,
        "symbol": terms.listing.code,
        "market": terms.listing.market,
        "start_date": terms.start,
        "end_date": terms.end,
        "initial_cash": terms.initial_cash,
        "document": document.write(task.rules),
        "engine": task.engine,
        "grid": task.grid,
        "objective": task.objective,
        "search": None if task.grid is None else document.write_search(task.search),
        "risk_limits": limits.write(task.limits),
        "total": task.total,
        "requested_at": run.requested_at,
    }


async def delete(session: Session, owner: UUID, run_id: RunId) -> None:
    """Forget a run, its result and everything that belongs to it."""
    for table in (files, trials, trades, results):
        await session.execute(remove(table).where(table.c.owner_id == owner, table.c.run_id == run_id))
    await session.execute(remove(runs).where(runs.c.owner_id == owner, runs.c.id == run_id))


def _task(terms: Terms, row: RowMapping) -> Task:
    search, bounds = document.read_search(row["search"] or {}), limits.read(row["risk_limits"])
    return Task(terms, document.read(row["document"]), row["grid"], row["objective"], row["engine"], search, bounds)


def run_from(row: RowMapping) -> Run:
    """Read a run from a row of its table."""
    listing = Listing(row["symbol"], row["market"])
    terms = Terms(listing, row["initial_cash"], row["start_date"], row["end_date"])
    return Run(
        id=RunId(row["id"]),
        strategy_id=None if row["strategy_id"] is None else StrategyId(row["strategy_id"]),
        task=_task(terms, row),
        status=row["status"],
        done=row["done"],
        refusal=None if row["error"] is None else Refusal(row["error_code"], row["error"]),
        requested_at=row["requested_at"],
        finished_at=row["finished_at"],
    )

"""Results: written once when a run ends well, read page by page; of one owner at a time."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from kit.db import Session
from sqlalchemy import RowMapping, func, insert, select

from backtest.domain.outcome import Basis, Metrics, Simulation, Sweep, Tested, Trade, Trial
from backtest.domain.run import RunId
from backtest.store.tables import files, results, trades, trials

TRADE_FIELDS = tuple(column.name for column in trades.c if column.name not in {"run_id", "owner_id", "number"})
TRIALS_FILE = "trials.parquet"
REFUSED = "refused"
REFUSALS_MAX = 500
"""Refused orders that are kept; all are counted."""
ROWS_AT_A_TIME = 1_000
Outcome = Simulation | Sweep | Tested
_HEAD = [column for column in results.c if column.name not in {"dates", "equity", "closes"}]


@dataclass(frozen=True, slots=True)
class Head:
    """A result without its long columns; `metrics` of a sweep are the best trial's, `costs` None and `unfilled` 0.

    `details` say what only one kind of run has: luck of a sweep, windows of a walk, folds of a cross-validation.
    """

    basis: Basis
    metrics: Metrics
    costs: float | None
    unfilled: int
    details: Mapping[str, Any]


async def find(session: Session, owner: UUID, run_id: RunId) -> Head | None:
    """Return what a run came to."""
    query = select(*_HEAD).where(results.c.owner_id == owner, results.c.run_id == run_id)
    row = (await session.execute(query)).mappings().one_or_none()
    return None if row is None else _head(row)


async def save(session: Session, owner: UUID, run_id: RunId, basis: Basis, outcome: Outcome) -> None:
    """Write a result with everything that belongs to it."""
    key = {"run_id": run_id, "owner_id": owner}
    head: dict[str, Any] = {**key, **asdict(basis), "metrics": outcome.metrics, "unfilled": 0, "details": {}}
    match outcome:
        case Sweep():
            await session.execute(insert(results).values(head | {"details": outcome.details}))
            rows = [
                {**key, "rank": rank, "parameters": trial.parameters, "metrics": trial.metrics}
                for rank, trial in enumerate(outcome.trials, 1)
            ]
            for start in range(0, len(rows), ROWS_AT_A_TIME):
                await session.execute(insert(trials), rows[start : start + ROWS_AT_A_TIME])
            await session.execute(
                insert(files).values(**key, name=TRIALS_FILE, size=len(outcome.file), body=outcome.file)
            )
        case Tested():
            curve = {"dates": list(outcome.dates), "equity": list(outcome.equity), "details": outcome.details}
            await session.execute(insert(results).values(head | curve))
        case Simulation():
            curve = {"dates": list(outcome.dates), "equity": list(outcome.equity), "costs": outcome.costs}
            details = {**outcome.details, **_refusals(outcome)}
            more = {"unfilled": outcome.unfilled, "details": details, "closes": outcome.closes}
            await session.execute(insert(results).values(head | curve | more))
            rows = [{**key, "number": number, **asdict(trade)} for number, trade in enumerate(outcome.trades, 1)]
            for start in range(0, len(rows), ROWS_AT_A_TIME):
                await session.execute(insert(trades), rows[start : start + ROWS_AT_A_TIME])


async def find_file(session: Session, owner: UUID, run_id: RunId, name: str) -> bytes | None:
    """Return a file of a result."""
    mine = (files.c.owner_id == owner, files.c.run_id == run_id, files.c.name == name)
    body: bytes | None = await session.scalar(select(files.c.body).where(*mine))
    return body


async def find_bytes(session: Session, owner: UUID) -> int:
    """Return how much an owner's files take."""
    query = select(func.coalesce(func.sum(files.c.size), 0)).where(files.c.owner_id == owner)
    return int((await session.execute(query)).scalar_one())


async def list_trades(session: Session, owner: UUID, run_id: RunId, after: int, limit: int) -> list[tuple[int, Trade]]:
    """Return trades with their numbers, from the one after `after`."""
    query = select(trades).where(trades.c.owner_id == owner, trades.c.run_id == run_id, trades.c.number > after)
    rows = (await session.execute(query.order_by(trades.c.number).limit(limit))).mappings()
    return [(row["number"], Trade(**{field: row[field] for field in TRADE_FIELDS})) for row in rows]


async def list_trials(session: Session, owner: UUID, run_id: RunId, after: int, limit: int) -> list[tuple[int, Trial]]:
    """Return trials with their ranks, from the one after `after`."""
    query = select(trials).where(trials.c.owner_id == owner, trials.c.run_id == run_id, trials.c.rank > after)
    rows = (await session.execute(query.order_by(trials.c.rank).limit(limit))).mappings()
    return [(row["rank"], Trial(row["parameters"], row["metrics"])) for row in rows]


async def list_equity(session: Session, owner: UUID, run_id: RunId, after: int, limit: int) -> list[tuple[date, float]]:
    """Return the equity at each close, from the bar after the first `after` ones; nothing for a sweep."""
    span = slice(after + 1, after + limit)  # PostgreSQL counts from 1 and includes the end
    query = select(results.c.dates[span], results.c.equity[span]).where(
        results.c.owner_id == owner, results.c.run_id == run_id
    )
    row = (await session.execute(query)).one_or_none()
    return [] if row is None or row[0] is None else list(zip(row[0], row[1], strict=True))


async def find_closes(session: Session, owner: UUID, run_id: RunId) -> list[float]:
    """Return the price at each close of the equity; nothing where a run has no one symbol."""
    query = select(results.c.closes).where(results.c.owner_id == owner, results.c.run_id == run_id)
    closes: list[float] | None = await session.scalar(query)
    return closes or []


def _refusals(outcome: Simulation) -> dict[str, Any]:
    if not outcome.refused:
        return {}
    items = [
        {
            "date": one.on.isoformat(),
            "symbol": one.symbol,
            "side": one.side,
            "quantity": one.quantity,
            "price": format(one.price, "f"),
            "reason": one.why,
            "detail": one.detail,
        }
        for one in outcome.refused[:REFUSALS_MAX]
    ]
    return {REFUSED: {"count": len(outcome.refused), "items": items}}


def _head(row: RowMapping) -> Head:
    return Head(_basis(row), row["metrics"], row["costs"], row["unfilled"], row["details"])


def _basis(row: RowMapping) -> Basis:
    return Basis(**{name: row[name] for name in Basis.__slots__})

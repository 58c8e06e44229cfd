"""Keep what a run came to, unless it has ended already: of two computers that finish it, the first wins."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from backtest.domain.outcome import Basis
from backtest.domain.run import RunId
from backtest.events import RunFinished, summary_of
from backtest.store import chunks, results, runs
from backtest.store.results import Outcome


async def finish_run(
    session: Session, owner: UUID, run_id: RunId, result: tuple[Basis, Outcome], now: datetime
) -> None:
    run = await runs.lock(session, owner, run_id)
    if run is None or run.is_finished:
        return
    basis, outcome = result
    await runs.save(session, owner, run.ended(now))
    await results.save(session, owner, run_id, basis, outcome)
    await chunks.delete_all(session, owner, run_id)
    fact = RunFinished(run_id=run_id, kind=run.task.kind, status="done", summary=summary_of(outcome.metrics))
    await record(session, fact, owner=owner)

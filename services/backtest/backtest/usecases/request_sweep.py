"""Ask for rule templates to be tested with many combinations of a grid."""

from datetime import datetime
from uuid import UUID

from kit.db import Session

from backtest.domain.grid import mistakes_in_sweep
from backtest.domain.run import Run, Task
from backtest.domain.search import mistakes_in_search
from backtest.errors import InvalidRule
from backtest.usecases.queue_run import queue_run


async def request_sweep(session: Session, owner: UUID, task: Task, now: datetime) -> Run:
    assert task.grid is not None, "a sweep has a grid"
    if mistakes := mistakes_in_search(task.grid, task.search) or mistakes_in_sweep(task.rules, task.grid):
        raise InvalidRule(mistakes)
    return await queue_run(session, owner, task, now)

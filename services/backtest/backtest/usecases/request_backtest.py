"""Ask for a strategy to be tested, with the rules it has now."""

from datetime import datetime
from uuid import UUID

from kit.db import Session

from backtest.domain.run import Run, Task, Terms
from backtest.domain.strategy import StrategyId
from backtest.errors import StrategyNotFound
from backtest.store import strategies
from backtest.usecases.queue_run import queue_run


async def request_backtest(session: Session, owner: UUID, strategy_id: StrategyId, terms: Terms, now: datetime) -> Run:
    strategy = await strategies.find(session, owner, strategy_id)
    if strategy is None:
        raise StrategyNotFound("You have no strategy with this id.")
    return await queue_run(session, owner, Task(terms, strategy.content.rules), now, strategy_id)

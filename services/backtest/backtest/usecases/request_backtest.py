"""Ask for a strategy to be tested, with the rules it has now."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db import Session

from backtest.domain.run import Engine, Run, Task, Terms
from backtest.domain.strategy import StrategyId, mistakes_on
from backtest.errors import InvalidRule, StrategyNotFound
from backtest.store import strategies
from backtest.usecases.queue_run import queue_run


@dataclass(frozen=True, slots=True)
class Asked:
    """Which strategy, on what, by which engine."""

    strategy_id: StrategyId
    terms: Terms
    engine: Engine = "compiled"


async def request_backtest(session: Session, owner: UUID, asked: Asked, now: datetime) -> Run:
    strategy = await strategies.find(session, owner, asked.strategy_id)
    if strategy is None:
        raise StrategyNotFound("You have no strategy with this id.")
    rules = strategy.content.rules
    if mistakes := mistakes_on(rules, asked.engine):
        raise InvalidRule(mistakes)
    return await queue_run(session, owner, Task(asked.terms, rules, engine=asked.engine), now, asked.strategy_id)

"""Keep a new strategy, if its rules compile."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.ids import new_id

from backtest.domain.strategy import Content, Strategy, StrategyId, mistakes_in
from backtest.errors import InvalidRule
from backtest.store import strategies


async def create_strategy(session: Session, owner: UUID, content: Content, now: datetime) -> Strategy:
    if mistakes := mistakes_in(content.rules):
        raise InvalidRule(mistakes)
    strategy = Strategy(StrategyId(new_id()), content, version=None, created_at=now, changed_at=now)
    await strategies.save(session, owner, strategy)
    return strategy

"""Replace what a strategy says; its published versions and the runs already asked for stay as they are."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from kit.db import Session

from backtest.domain.strategy import Content, Strategy, StrategyId, mistakes_in
from backtest.errors import InvalidRule, StrategyNotFound
from backtest.store import strategies


async def revise_strategy(
    session: Session, owner: UUID, strategy_id: StrategyId, content: Content, now: datetime
) -> Strategy:
    strategy = await strategies.lock(session, owner, strategy_id)
    if strategy is None:
        raise StrategyNotFound("You have no strategy with this id.")
    if mistakes := mistakes_in(content.rules):
        raise InvalidRule(mistakes)
    if content == strategy.content:
        return strategy
    revised = replace(strategy, content=content, changed_at=now)
    await strategies.save(session, owner, revised)
    return revised

"""Take a strategy over from another installation, if its rules compile."""

from datetime import datetime
from uuid import UUID

from kit.db import Session

from backtest.domain.strategy import Content, Strategy, StrategyId, mistakes_in
from backtest.errors import InvalidRule
from backtest.store import strategies


async def take_over_strategy(
    session: Session, owner: UUID, strategy_id: StrategyId, content: Content, now: datetime
) -> bool:
    """Keep it under an id that is always the same; False when it was taken over before, whatever became of it since."""
    if mistakes := mistakes_in(content.rules):
        raise InvalidRule(mistakes)
    if await strategies.lock(session, owner, strategy_id) is not None:
        return False
    await strategies.save(session, owner, Strategy(strategy_id, content, version=None, created_at=now, changed_at=now))
    return True

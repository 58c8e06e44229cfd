"""Make a strategy's present content a version that never changes."""

from datetime import datetime
from uuid import UUID

from kit.db import Session
from kit.events import record

from backtest.domain import document
from backtest.domain.strategy import StrategyId, Version
from backtest.errors import StrategyNotFound
from backtest.events import StrategyPublished
from backtest.store import strategies


async def publish_strategy(
    session: Session, owner: UUID, strategy_id: StrategyId, now: datetime
) -> tuple[Version, bool]:
    """Return the version and whether it is new: content equal to the latest version's is that version."""
    strategy = await strategies.lock(session, owner, strategy_id)
    if strategy is None:
        raise StrategyNotFound("You have no strategy with this id.")
    latest = strategy.version or 0
    published = await strategies.find_version(session, owner, strategy_id, latest)
    if published is not None and published.content == strategy.content:
        return published, False
    version = Version(strategy_id, latest + 1, strategy.content, now)
    await strategies.save_version(session, owner, version)
    content = version.content
    announced = StrategyPublished(
        strategy_id=strategy_id,
        version=version.number,
        name=content.name,
        description=content.description,
        document=document.write(content.rules),
    )
    await record(session, announced, owner=owner)
    return version, True

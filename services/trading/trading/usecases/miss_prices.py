"""Tell those whose automations wait for prices that none are coming, although the market is open."""

from datetime import datetime

from kit.db import Session
from kit.events import record

from trading.automation_events import PricesMissed
from trading.store.automation import system


async def miss_prices(session: Session, market: str, source: str, last_heard_at: datetime) -> None:
    """Announce it to each owner who has automations on that market; stopped ones wait for nothing."""
    for owner, names in (await system.list_followers(session, market)).items():
        missed = PricesMissed(market=market, source=source, last_heard_at=last_heard_at, automations=names)
        await record(session, missed, owner=owner)

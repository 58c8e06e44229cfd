"""Tell those whose automations wait for prices that they are coming again."""

from kit.db import Session
from kit.events import record

from trading.automation_events import PricesRegained
from trading.store.automation import system


async def regain_prices(session: Session, market: str, source: str, silent_seconds: int) -> None:
    """Announce it to each owner who has automations on that market; stopped ones wait for nothing."""
    for owner, names in (await system.list_followers(session, market)).items():
        regained = PricesRegained(market=market, source=source, silent_seconds=silent_seconds, automations=names)
        await record(session, regained, owner=owner)

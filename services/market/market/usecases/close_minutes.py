"""Store minutes that have ended, and announce each of them once."""

from collections.abc import Sequence
from datetime import datetime

from kit.db import Session
from kit.events import record

from market.domain.minute import Minute
from market.events import BarClosed
from market.store import minutes as store


async def close_minutes(session: Session, minutes: Sequence[Minute]) -> None:
    """Keep closed minutes; one that is stored already, as after a restart, is not announced again."""
    for minute in await store.save(session, minutes):
        fact = BarClosed(
            symbol=minute.symbol,
            market=minute.market,
            interval="1m",
            start=datetime.fromisoformat(minute.start),
            open=minute.open,
            high=minute.high,
            low=minute.low,
            close=minute.close,
            volume=minute.volume,
            source=minute.source,
        )
        await record(session, fact, owner=None)

"""Announce that a feed has fallen silent, or is heard again."""

from datetime import datetime

from kit.db import Session
from kit.events import record

from market.domain.feed_watch import FeedChange
from market.events import FeedRecovered, FeedStalled


async def record_feed_change(session: Session, change: FeedChange, now: datetime) -> None:
    """Record the fact; who shows a market's state, or pages an operator, hears it."""
    if change.is_stalled:
        await record(
            session,
            FeedStalled(market=change.market, source=change.source, last_heard_at=change.last_heard_at),
            owner=None,
        )
    else:
        seconds = int((now - change.last_heard_at).total_seconds())
        await record(
            session, FeedRecovered(market=change.market, source=change.source, silent_seconds=seconds), owner=None
        )

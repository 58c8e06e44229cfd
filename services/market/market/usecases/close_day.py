"""Announce that a day of some symbols has ended, and how."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from kit.db import Session
from kit.events import EVENTS_MAX, record
from quant.markets.listing import Market

from market.events import BarClosed
from market.store import bars


async def close_day(session: Session, market: Market, symbols: Sequence[str], day: date, source: str) -> int:
    """Announce the stored bar of a day of each symbol that traded on it; return how many there are.

    Told twice, as after a pipeline that is tried again, it is the same day: whoever acts on it acts on the day once.
    """
    found = await bars.find_day(session, symbols, day)
    start = datetime.combine(day, time.min, UTC)
    facts = [
        BarClosed(
            symbol=symbol,
            market=market,
            interval="1d",
            start=start,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
            source=source,
        )
        for symbol, (bar, _) in sorted(found.items())
        if not bar.halted
    ]
    for first in range(0, len(facts), EVENTS_MAX):
        await record(session, *facts[first : first + EVENTS_MAX], owner=None)
    return len(facts)

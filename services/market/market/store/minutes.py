"""Closed minutes: written once, and again only when a real feed knows better than a replay."""

from collections.abc import Sequence
from datetime import date, datetime

from kit.db import Session
from quant.markets.listing import Market
from sqlalchemy import text

from market.domain.minute import Minute

SHARED = "prices are the same for every user"

SAVE = text(
    """
    INSERT INTO minute_bars (symbol, at, open, high, low, close, volume, source)
    SELECT * FROM unnest(CAST(:symbols AS text[]), CAST(:starts AS timestamptz[]),
                         CAST(:opens AS numeric[]), CAST(:highs AS numeric[]), CAST(:lows AS numeric[]),
                         CAST(:closes AS numeric[]), CAST(:volumes AS bigint[]), CAST(:sources AS text[]))
        ON CONFLICT (symbol, at) DO UPDATE
       SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
           volume = excluded.volume, source = excluded.source
     WHERE minute_bars.source = 'replay' AND excluded.source <> 'replay'
    RETURNING symbol, at
    """
)

HEARD = text(
    """
    SELECT DISTINCT m.symbol FROM minute_bars m JOIN instruments i ON i.symbol = m.symbol
     WHERE i.market = :market AND m.at >= :first AND m.at < :end
     ORDER BY m.symbol LIMIT :limit
    """
)


async def save(session: Session, minutes: Sequence[Minute]) -> list[Minute]:
    """Store closed minutes, each symbol and minute once; returns those that were new."""
    found = await session.execute(
        SAVE,
        {
            "symbols": [minute.symbol for minute in minutes],
            "starts": [datetime.fromisoformat(minute.start) for minute in minutes],
            "opens": [minute.open for minute in minutes],
            "highs": [minute.high for minute in minutes],
            "lows": [minute.low for minute in minutes],
            "closes": [minute.close for minute in minutes],
            "volumes": [minute.volume for minute in minutes],
            "sources": [minute.source for minute in minutes],
        },
    )
    stored = {(row.symbol, row.at) for row in found}
    return [minute for minute in minutes if (minute.symbol, datetime.fromisoformat(minute.start)) in stored]


async def delete_before(session: Session, day: date) -> int:
    """Take away minutes of days long ago; returns how many there were."""
    gone = text("DELETE FROM minute_bars WHERE at < CAST(:day AS date)::timestamp AT TIME ZONE 'UTC'")
    return (await session.execute(gone, {"day": day})).rowcount


async def list_symbols(session: Session, market: Market, span: tuple[datetime, datetime], limit: int) -> list[str]:
    """Symbols of a market with any minute in a span, its end left out."""
    found = await session.execute(HEARD, {"market": market, "first": span[0], "end": span[1], "limit": limit})
    return [row.symbol for row in found]

"""Look for splits nobody recorded, and take away what is too old."""

from datetime import date, timedelta
from typing import Any, Final

from kit.db import Database, Session
from quant.markets.listing import Market
from sqlalchemy import text

from market.domain.pipeline import MINUTES_KEPT, RUNS_KEPT
from market.store import minutes, pipelines

JUMP: Final = "0.31"
LOOK_BACK: Final = timedelta(days=14)
EXAMPLES_MAX: Final = 100

UNEXPLAINED = text(
    f"""
    SELECT symbol, day::text AS day, round(close / before, 6)::text AS ratio
      FROM (SELECT b.symbol, b.day, b.close, lag(b.close) OVER (PARTITION BY b.symbol ORDER BY b.day) AS before
              FROM bars b JOIN instruments i ON i.symbol = b.symbol
             WHERE i.market = :market AND i.adjustment = 'raw' AND NOT b.halted AND b.day BETWEEN :first AND :last) one
     WHERE before > 0 AND abs(close / before - 1) > {JUMP}
       AND NOT EXISTS (SELECT FROM corporate_actions a WHERE a.symbol = one.symbol AND a.ex_day = one.day)
     ORDER BY day, symbol LIMIT :limit
    """  # noqa: S608 - a number of our own
)


async def find_unexplained_jumps(database: Database, market: Market, day: date) -> dict[str, Any]:
    """Raw prices that jumped in two weeks without a corporate action: each is a split, or a mistake, for a person."""
    asked = {"market": market, "first": day - LOOK_BACK, "last": day, "limit": EXAMPLES_MAX}
    async with database.public() as session:
        found = [dict(row._mapping) for row in await session.execute(UNEXPLAINED, asked)]
    return {"unexplained_jumps": found}


async def clean_up(database: Database, day: date) -> dict[str, Any]:
    """Take away minutes and runs that nobody keeps any more."""

    async def gone(session: Session) -> tuple[int, int]:
        return (
            await minutes.delete_before(session, day - MINUTES_KEPT),
            await pipelines.delete_before(session, day - RUNS_KEPT),
        )

    async with database.system() as session:
        old_minutes, old_runs = await gone(session)
    return {"minutes_deleted": old_minutes, "runs_deleted": old_runs}

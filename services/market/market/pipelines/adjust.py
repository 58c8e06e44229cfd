"""Look for raw prices that jumped without a corporate action, and record the splits that a source knows of.

A split is believed where two agree: the source that says so, and the jump in the prices of another one.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from kit.db import Database
from quant.markets.listing import Market
from sqlalchemy import text

from market.domain.adjustment import CorporateAction
from market.providers.failover import Failover, NoSource
from market.providers.yahoo import Yahoo
from market.usecases.record_action import record_action

JUMP: Final = "0.31"
LOOK_BACK: Final = timedelta(days=14)
EXAMPLES_MAX: Final = 100
LIMIT: Final = Decimal("0.31")
"""How far a day's own trading may lead from the price that the split alone would make."""

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


async def explain_jumps(
    database: Database, failover: Failover, splits: Yahoo | None, market: Market, day: date
) -> dict[str, Any]:
    """Explain the jumps of two weeks by splits, as far as a source knows them; what is left is for a person."""
    asked = {"market": market, "first": day - LOOK_BACK, "last": day, "limit": EXAMPLES_MAX}
    async with database.public() as session:
        jumps = [dict(row._mapping) for row in await session.execute(UNEXPLAINED, asked)]
    recorded: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    reasons: list[str] = []
    for jump in jumps:
        try:
            told = await _splits(failover, splits, jump["symbol"], market, date.fromisoformat(jump["day"]))
        except NoSource as none:
            reasons += none.reasons
            told = ()
        fitting = [split for split in told if _fits(split, Decimal(jump["ratio"]))]
        for split in fitting:
            async with database.system() as session:
                await record_action(session, split)
        (recorded if fitting else left).append(jump)
    return {"recorded_splits": recorded, "unexplained_jumps": left} | ({"passed_over": reasons} if reasons else {})


async def _splits(
    failover: Failover, splits: Yahoo | None, symbol: str, market: Market, day: date
) -> Sequence[CorporateAction]:
    if splits is None:
        return ()
    return await failover.guarded("yahoo", lambda: splits.fetch_splits(symbol, market, day, day))


def _fits(split: CorporateAction, ratio: Decimal) -> bool:
    """Whether a price that became so many times what it was can be that of the split."""
    return abs(ratio / split.price_factor - 1) <= LIMIT

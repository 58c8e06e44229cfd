"""Record the paid-in issues, bonus issues and reductions of capital that the depository has announced.

The source leaves open whether a rate is a fraction or percent. One reading has to agree with the number of shares that
are issued and with the price of the day, or, for a reduction, with a price that has jumped; else a person is asked.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from kit.db import Database, Session
from quant.markets.listing import Market
from sqlalchemy import text

from market.domain.adjustment import CorporateAction
from market.domain.announced import PLACES, fits, plausible, reduction_factor, rights_factor
from market.providers.failover import Failover, NoSource
from market.providers.kis_actions import SOURCE, Announced, AnnouncedKind, fetch_announced
from market.providers.kis_calls import KisCalls
from market.store import actions
from market.usecases.record_action import record_action

LOOK_BACK: Final = timedelta(days=14)
RECORDED_AFTER: Final = timedelta(days=7)
"""A record day follows the first day at the new price."""
HALTED_FOR: Final = timedelta(days=90)
"""Shares are not traded from the record day of a reduction until the new ones are listed."""
KINDS: Final[tuple[AnnouncedKind, ...]] = ("rights", "bonus", "reduction")

AROUND = text(
    """
    SELECT (SELECT close FROM bars b WHERE b.symbol = i.symbol AND b.day < :day ORDER BY b.day DESC LIMIT 1) AS last,
           (SELECT close FROM bars b WHERE b.symbol = i.symbol AND b.day = :day AND NOT b.halted) AS close
      FROM instruments i WHERE i.symbol = :symbol AND i.market = 'KRX' AND i.adjustment = 'raw'
    """
)


async def record_announced(
    database: Database, failover: Failover, kis: KisCalls | None, market: Market, day: date
) -> dict[str, Any]:
    """Record what was announced for two weeks; the rest is listed. Nothing without the source, or outside of KRX."""
    if kis is None or market != "KRX":
        return {}
    recorded: list[dict[str, str]] = []
    doubtful: list[dict[str, str]] = []
    reasons: list[str] = []
    for kind in KINDS:
        try:
            told = await _told(failover, kis, kind, day)
        except NoSource as none:
            reasons += none.reasons
            continue
        for one in told:
            outcome = await _recorded(database, one)
            if outcome is not None:
                line = {"symbol": one.symbol, "day": str(one.ex_day), "kind": one.kind, "rate": str(one.rate)}
                (recorded if outcome else doubtful).append(line)
    found = {"recorded_actions": recorded, "doubtful_actions": doubtful, "not_told": reasons}
    return {name: lines for name, lines in found.items() if lines}


async def _told(failover: Failover, kis: KisCalls, kind: AnnouncedKind, day: date) -> Sequence[Announced]:
    first = day - LOOK_BACK - (HALTED_FOR if kind == "reduction" else timedelta(0))
    told = await failover.guarded(SOURCE, lambda: fetch_announced(kis, kind, first, day + RECORDED_AFTER))
    return [one for one in told if day - LOOK_BACK <= one.ex_day <= day]


async def _recorded(database: Database, one: Announced) -> bool | None:
    """Whether it was recorded; None when there is nothing to do: no prices of ours, or the day is explained already."""
    async with database.system() as session:
        prices = (await session.execute(AROUND, {"symbol": one.symbol, "day": one.ex_day})).one_or_none()
        if prices is None or prices.last is None or prices.close is None or await _is_known(session, one):
            return None
        factors = [factor for factor in _factors(one, prices.last) if fits(factor, prices.last, prices.close)]
        if len(factors) != 1:
            return False
        inverse = (1 / factors[0]).quantize(PLACES)
        await record_action(session, CorporateAction(one.symbol, one.ex_day, one.kind, factors[0], inverse, SOURCE))
        return True


async def _is_known(session: Session, one: Announced) -> bool:
    return any(known.ex_day == one.ex_day for known in await actions.list_of(session, one.symbol))


def _factors(one: Announced, last: Decimal) -> list[Decimal]:
    """What the readings of the rate make of earlier prices."""
    if one.kind == "reduction":
        return [reduction_factor(rate) for rate in one.readings if rate < 1]
    rates = plausible(one.readings, one.share)
    return [rights_factor(last, rate, one.price or Decimal(0)) for rate in rates]

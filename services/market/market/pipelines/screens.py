"""Run every scheduled screen of a market on a day, and tell its owner what it had not found before."""

from datetime import date
from typing import Any

from kit.db import Database
from kit.events import record
from quant.markets.listing import Market
from quant.rules import RuleError, compile_rule

from market.domain.screen import RATIOS
from market.events import ScreenMatched
from market.panels import Panels
from market.pipelines.collect import NotYet, Progress
from market.store import instruments, system
from market.store.system import Scheduled

NEW_SYMBOLS_MAX = 200


async def run_screens(
    database: Database, panels: Panels, market: Market, day: date, progress: Progress
) -> dict[str, Any]:
    """Ask each screen once for the day; one that was asked already tells nothing again.

    Raises:
        NotYet: when the market has no bars of the day.
    """
    async with database.system() as session:
        scheduled = [one for one in await system.list_scheduled(session, market) if one.last_day != day]
    kept = await panels.get(database, market, day)
    if kept is None or kept[0] != day:
        raise NotYet(f"{market} has no bars of {day}")
    unreadable = told = 0
    for place, one in enumerate(scheduled):
        await progress(place, len(scheduled))
        try:
            rule = compile_rule(one.screen.rule, frozenset(RATIOS))
        except RuleError:  # kept under an earlier version of the language
            unreadable += 1
            continue
        _, symbols = await panels.matches(kept[1], rule, day)
        told += await _tell(database, one, day, symbols)
    return {"screens": len(scheduled), "told": told, "unreadable": unreadable}


async def _tell(database: Database, one: Scheduled, day: date, symbols: list[str]) -> bool:
    """Remember what was found and announce what is new, in one transaction."""
    async with database.system() as session:
        found = sorted(await instruments.find_universe(session, one.screen.universe, symbols))
        new = sorted(set(found) - set(one.last_matches))
        is_first = await system.save_matches(session, one.owner, one.screen.id, day, found)
        if new and is_first:
            fact = ScreenMatched(
                screen_id=one.screen.id,
                name=one.screen.name,
                trading_date=day,
                matched=len(found),
                new_symbols=new[:NEW_SYMBOLS_MAX],
            )
            await record(session, fact, owner=one.owner)
    return bool(new) and is_first

"""Collect the minutes of a day: of the symbols the operator names, and of those that came in live, to fill their gaps.

Each symbol comes from the first source, in the operator's order, whose answer can be believed. The report is the
validation: what was left out and why, what could not be used, and which minutes leave the range of the day's own bar.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, Final

from kit.db import Database
from quant.markets.calendar import session_hours
from quant.markets.listing import Market
from quant.markets.symbols import is_index

from market.domain.live import CLOSING
from market.domain.minute import Minute
from market.feeds.fetched_minutes import BelievedMinutes, believe_minutes
from market.pipelines.collect import NotYet, Progress
from market.providers.failover import Failover, NoSource
from market.providers.port import MinuteProvider
from market.store import bars, instruments
from market.store import minutes as store
from market.usecases.import_minutes import import_minutes

SYMBOLS_MAX: Final = 1_000
EXAMPLES_MAX: Final = 20


class NotSetUp(Exception):
    """It cannot succeed until a setting is changed: trying again is of no use."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """Who is asked for minutes, and whose are always wanted."""

    providers: Sequence[MinuteProvider] = ()
    symbols: Sequence[str] = ()

    def of(self, market: Market) -> list[MinuteProvider]:
        """The sources of one market."""
        return [one for one in self.providers if one.market == market]


@dataclass
class _Tally:
    counts: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    beyond_day: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def report(self) -> dict[str, Any]:
        """As JSON for the run log."""
        return {
            **{name: self.counts[name] for name in ("symbols", "told", "stored", "bad")},
            "left_out": dict(self.left_out),
            "sources": dict(self.sources),
            "missing": self.missing[:EXAMPLES_MAX],
            "missing_count": len(self.missing),
            "beyond_day": self.beyond_day[:EXAMPLES_MAX],
            "passed_over": self.said[:EXAMPLES_MAX],
        }


async def collect_minutes(
    database: Database,
    failover: Failover,
    asked: Minutes,
    market: Market,
    day: date,
    progress: Progress,
) -> dict[str, Any]:
    """Store the minutes of a day; returns the report.

    Raises:
        NotSetUp: when no source of this market's minutes is named, or no symbol.
        NotYet: when no source gave any symbol's.
    """
    if not (providers := asked.of(market)):
        raise NotSetUp(f'No source of {market} minutes is named: set MARKET_MINUTE_SOURCES, for example ["kis"].')
    wanted = await _wanted(database, asked.symbols, market, day)
    if not wanted:
        raise NotSetUp(f"No {market} symbol is named whose minutes to collect: set MARKET_MINUTE_SYMBOLS.")
    tally = _Tally()
    for place, symbol in enumerate(wanted):
        await progress(place, len(wanted))
        found = await _believed(failover, providers, symbol, day, tally)
        if found is None:
            tally.missing.append(symbol)
            continue
        await _store(database, symbol, day, found, tally)
    if len(tally.missing) == len(wanted):
        raise NotYet("; ".join(tally.said[:3]))
    return tally.report()


async def _wanted(database: Database, named: Sequence[str], market: Market, day: date) -> list[str]:
    hours = session_hours(market, day)
    async with database.public() as session:
        known = await instruments.find_many(session, list(named))
        heard = await store.list_symbols(session, market, (hours.open, hours.close + CLOSING), SYMBOLS_MAX)
    chosen = [symbol for symbol, one in known.items() if one.market == market and not is_index(symbol)]
    return sorted({*chosen, *heard})[:SYMBOLS_MAX]


async def _believed(
    failover: Failover,
    providers: Sequence[MinuteProvider],
    symbol: str,
    day: date,
    tally: _Tally,
) -> BelievedMinutes | None:
    """The first answer that can be believed; None when there is none."""
    for provider in providers:
        try:
            raw = await failover.guarded(provider.source, partial(provider.fetch_minutes, symbol, day))
        except NoSource as none:
            tally.said += none.reasons
            continue
        found = believe_minutes(raw, provider.source, provider.market, failover.clock())
        if not found.doubts:
            return found
        tally.said += [f"{provider.source}: {symbol}: {doubt}" for doubt in found.doubts]
    return None


async def _store(database: Database, symbol: str, day: date, found: BelievedMinutes, tally: _Tally) -> None:
    async with database.system() as session:
        imported = await import_minutes(session, found.minutes)
        whole_day = await bars.find_day(session, [symbol], day)
    tally.counts.update(symbols=1, told=imported.told, stored=imported.stored, bad=len(found.bad))
    tally.left_out.update(found.left_out)
    tally.sources.update(minute.source for minute in found.minutes)
    if symbol in whole_day and _leaves(found.minutes, whole_day[symbol][0].low, whole_day[symbol][0].high):
        tally.beyond_day.append(symbol)


def _leaves(minutes: Sequence[Minute], low: Any, high: Any) -> bool:
    """Whether minutes traded where their day did not: other prices, or other exchanges, than the day's bar is of."""
    return any(minute.low < low or minute.high > high for minute in minutes)

"""Collect a day's bars: whole boards where a source gives them, else each known instrument since its newest bar.

Beside them go the indices, which no board holds: each since its newest bar, or three years of it at first.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

import polars as pl
from kit.db import Database
from kit.ids import new_id
from quant.markets.listing import Board, Kind, Market
from quant.markets.symbols import is_index

from market.domain.instrument import Instrument
from market.providers.failover import Collected, Failover, NoSource
from market.store import bars, instruments
from market.usecases.close_day import close_day
from market.usecases.import_bars import Origin, import_bars

BOARDS: dict[Market, tuple[Board, ...]] = {"KRX": ("KOSPI", "KOSDAQ"), "US": ()}
INDICES: dict[Market, dict[str, Board]] = {
    "KRX": {"KOSPI": "KOSPI", "KOSPI200": "KOSPI", "KOSDAQ": "KOSDAQ"},
    "US": {},
}
INDEX_HISTORY = timedelta(days=3 * 365)
"""How much of an index is asked for when there is nothing of it yet: what a comparison over a year needs, and more."""
INSTRUMENTS_MAX = 10_000
EXAMPLES_MAX = 20

Progress = Callable[[int, int], Awaitable[None]]


class NotYet(Exception):
    """The sources have nothing of the day yet: to be tried again later."""


@dataclass
class Tally:
    """What came of a collection."""

    counts: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    findings: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    indices: dict[str, str] = field(default_factory=dict)
    """What came of each index: its source, or why there is nothing of the day."""

    def report(self) -> dict[str, Any]:
        """As JSON for the run log."""
        return {
            **self.counts,
            "sources": dict(self.sources),
            "findings": dict(self.findings),
            "missing": self.missing[:EXAMPLES_MAX],
            "missing_count": len(self.missing),
            "passed_over": self.passed_over[:EXAMPLES_MAX],
            "indices": self.indices,
        }


async def collect(
    database: Database, failover: Failover, market: Market, day: date, progress: Progress
) -> dict[str, Any]:
    """Store a day of a market; returns the report.

    Raises:
        NotYet: when no source had any bar of the day.
    """
    tally = Tally()
    boards = BOARDS[market] if any(one.provenance.whole_days for one in failover.providers) else ()
    for place, board in enumerate(boards):
        await progress(place, len(boards))
        try:
            collected = await failover.whole_day(board, day)
        except NoSource as none:
            tally.passed_over += none.reasons
            boards = ()
            break
        await _store(database, collected, board, "stock", tally)
    if not boards:
        await _collect_each(database, failover, market, day, tally, progress)
    if not tally.counts["rows"]:
        raise NotYet("; ".join(tally.passed_over[:3]) or f"no source has bars of {market} on {day} yet")
    await _collect_indices(database, failover, market, day, tally)
    async with database.system() as session:
        traded = [one.symbol for one in await instruments.list_traded(session, market, day, INSTRUMENTS_MAX)]
        tally.counts["closed"] = await close_day(session, market, traded, day, "pipeline")
    return tally.report()


async def _collect_each(
    database: Database, failover: Failover, market: Market, day: date, tally: Tally, progress: Progress
) -> None:
    async with database.public() as session:
        known = await instruments.list_traded(session, market, day, INSTRUMENTS_MAX)
    followed = [one for one in known if not is_index(one.symbol)]
    for place, instrument in enumerate(followed):
        await progress(place, len(followed))
        try:
            collected = await _since_newest(database, failover, instrument, day)
        except NoSource as none:
            tally.missing.append(instrument.symbol)
            tally.passed_over += none.reasons
            continue
        await _store(database, collected, instrument.board, instrument.kind, tally)


async def _collect_indices(database: Database, failover: Failover, market: Market, day: date, tally: Tally) -> None:
    """Store the indices of a market. Without one of them the day is whole all the same: nobody can buy it."""
    for symbol, board in INDICES[market].items():
        async with database.public() as session:
            known = (await instruments.find_many(session, [symbol])).get(symbol)
        first = day - INDEX_HISTORY if known is None else min(known.last_day, day)
        try:
            collected = await failover.series(symbol, board, "stock", (first, day))
        except NoSource as none:
            tally.indices[symbol] = str(none)
            continue
        tally.indices[symbol] = collected.provenance.source
        # an index is neither split nor pays: whoever tells it, and however it is called, it is the same series
        adjustment = collected.provenance.adjustment if known is None else known.adjustment
        same = replace(collected, provenance=replace(collected.provenance, adjustment=adjustment))
        await _store(database, same, board, "stock", tally)


async def _since_newest(database: Database, failover: Failover, known: Instrument, day: date) -> Collected:
    """Ask from the newest stored day on; when an adjusted source tells that day anew, everything is told anew."""
    span = (min(known.last_day, day), day)
    collected = await failover.series(known.symbol, known.board, known.kind, span)
    if collected.provenance.adjustment == "raw":
        return collected
    async with database.public() as session:
        stored = await bars.find_day(session, [known.symbol], known.last_day)
    told = collected.believed.rows.filter(pl.col("day") == known.last_day)["close"].cast(pl.String).to_list()
    if known.symbol in stored and told and told[0] != format(stored[known.symbol][0].close.normalize(), "f"):
        return await failover.series(known.symbol, known.board, known.kind, (known.first_day, day))
    return collected


async def _store(database: Database, collected: Collected, board: Board, kind: Kind, tally: Tally) -> None:
    rows, provenance = collected.believed.rows, collected.provenance
    tally.passed_over += collected.passed_over
    if rows.is_empty():
        return
    async with database.system() as session:
        known = await instruments.find_many(session, rows["symbol"].unique().to_list())
        # a raw day in an adjusted series, or the other way round, would be a jump nobody can explain
        foreign = [one.symbol for one in known.values() if one.adjustment != provenance.adjustment]
        rows = rows.filter(~pl.col("symbol").is_in(foreign))
        tally.counts["left_out_other_adjustment"] += len(foreign)
        if rows.is_empty():
            return
        origin = Origin(board, kind, provenance.source, {}, provenance.adjustment)
        imported = await import_bars(session, new_id(), rows, origin)
    tally.counts.update(rows=imported.rows, inserted=imported.inserted, updated=imported.updated)
    tally.counts["bad"] += len(collected.believed.bad)
    tally.sources[provenance.source] += imported.rows
    tally.findings.update({one.code: one.rows for one in collected.believed.findings})

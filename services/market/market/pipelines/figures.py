"""Collect what is published beside prices: valuations, who bought and who sold, and what companies filed.

Each part is taken if its source is there and answers; a part that fails is told in the report and holds up nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

from kit.db import Database
from quant.markets.listing import Board, Market

from market.domain.figures import Flow, Ratios
from market.pipelines.collect import Progress
from market.providers.dart import Dart
from market.providers.failover import Failover, NoSource
from market.providers.krx_figures import fetch_flows, fetch_valuations
from market.providers.krx_portal import KrxPortal
from market.store import figures, fundamentals, panels, system

BOARDS: Final[tuple[Board, ...]] = ("KOSPI", "KOSDAQ")
WATCHED_MAX: Final = 500
PORTAL, DART = "krx_portal", "dart"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figures:
    """The sources of figures; one that is not set up is None."""

    portal: KrxPortal | None
    dart: Dart | None


async def collect_figures(
    database: Database, failover: Failover, sources: Figures, market: Market, day: date, progress: Progress
) -> dict[str, Any]:
    """Store a day's figures of Korea; returns the report."""
    report: dict[str, Any] = {"failed": []}

    async def part(source: str, name: str, fetch: Callable[[], Awaitable[int]]) -> None:
        try:
            report[name] = await failover.guarded(source, fetch)
        except NoSource as none:
            report["failed"] += [f"{name}: {reason}" for reason in none.reasons]

    if market == "KRX" and (portal := sources.portal) is not None:
        await part(PORTAL, "valuations", lambda: _valuations(database, portal, day))
        await part(PORTAL, "flows", lambda: _flows(database, portal, day, progress))
    if market == "KRX" and (dart := sources.dart) is not None:
        await part(DART, "disclosures", lambda: _disclosures(database, dart, day))
    return report


async def _valuations(database: Database, portal: KrxPortal, day: date) -> int:
    known: list[Ratios] = []
    for board in BOARDS:
        known += await fetch_valuations(portal, board, day)
    async with database.system() as session:
        await fundamentals.save_ratios(session, known)
        await panels.save_revision(session, "KRX")
    return len(known)


async def _flows(database: Database, portal: KrxPortal, day: date, progress: Progress) -> int:
    """Of the symbols that somebody watches: the source takes one symbol a second."""
    async with database.system() as session:
        watched = await system.list_watched(session, "KRX", WATCHED_MAX)
    found: list[Flow] = []
    for place, symbol in enumerate(watched):
        await progress(place, len(watched))
        found += await fetch_flows(portal, symbol, day, day)
    async with database.system() as session:
        await figures.save_flows(session, found)
    return len(found)


async def _disclosures(database: Database, dart: Dart, day: date) -> int:
    """What was filed, and the ratios that follow from the periodic reports among it."""
    filed = await dart.fetch_filings(day)
    known = [ratios for one in filed if (ratios := await dart.fetch_ratios(one)) is not None]
    async with database.system() as session:
        await figures.save_disclosures(session, [one.disclosure for one in filed])
        await fundamentals.save_ratios(session, known)
        await panels.save_revision(session, "KRX")
    return len(filed)

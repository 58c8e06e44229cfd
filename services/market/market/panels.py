"""Whole markets kept in memory as columns, so that a screen reads no database: fetched again when bars change.

A panel holds the bars of `PANEL_SPAN` up to its day. Averages that run for ever therefore begin there, for every screen
of that day alike.
"""

import asyncio
from collections import OrderedDict
from datetime import date, timedelta

import numpy as np
import polars as pl
from kit.db import Database
from quant.markets.listing import Market
from quant.panel import Panel
from quant.rules import Rule

from market.domain.screen import RATIOS
from market.store import panels

PANEL_SPAN = timedelta(days=550)
"""About 370 sessions: what a 200-day average needs, and a trend of it."""

LOOK_FOR_DAY = timedelta(days=31)
PANELS_MAX = 2
SCREENS_AT_ONCE = 2
"""More would only take turns, and the loop that serves quotes wants its part of the processor."""


class Panels:
    """The panels of this process, the newest used last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Market, date], tuple[int, Panel]] = OrderedDict()
        self._loading = asyncio.Lock()
        self._turns = asyncio.Semaphore(SCREENS_AT_ONCE)

    async def get(self, database: Database, market: Market, on: date) -> tuple[date, Panel] | None:
        """The panel of the newest day with bars up to `on`; None when there is none, or none for a month.

        However many ask, they hold one connection of the database between them, and none while a panel is built.
        """
        async with self._loading:
            async with database.public() as session:
                revision = await panels.find_revision(session, market)
                day = on if self._is_kept((market, on), revision) else None
                day = day or await panels.find_newest_day(session, market, on, on - LOOK_FOR_DAY)
                if day is None:
                    return None
                key, rows = (market, day), None
                if not self._is_kept(key, revision):
                    rows = await panels.find_rows(session, market, day - PANEL_SPAN, day)
            if rows is not None:
                self._kept[key] = (revision, await asyncio.to_thread(_panel, rows))
            self._kept.move_to_end(key)
            while len(self._kept) > PANELS_MAX:
                self._kept.popitem(last=False)
            return day, self._kept[key][1]

    def _is_kept(self, key: tuple[Market, date], revision: int) -> bool:
        return key in self._kept and self._kept[key][0] == revision

    async def matches(self, panel: Panel, rule: Rule, on: date) -> tuple[int, list[str]]:
        """How many symbols traded that day, and those the rule holds for, by symbol."""
        async with self._turns:
            return await asyncio.to_thread(_matches, panel, rule, on)


def _panel(rows: pl.DataFrame) -> Panel:
    columns = {name: rows[name].to_numpy() for name in rows.columns if name not in {"symbol", "day"}}
    unknown = np.full(rows.height, np.nan)
    return Panel.of(rows["symbol"].to_list(), rows["day"].to_numpy(), dict.fromkeys(RATIOS, unknown) | columns)


def _matches(panel: Panel, rule: Rule, on: date) -> tuple[int, list[str]]:
    rows, holds = panel.holding(rule, on)
    symbols = np.searchsorted(panel.starts, rows[holds], side="right") - 1
    return len(rows), [panel.symbols[place] for place in symbols]

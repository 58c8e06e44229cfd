"""A folder of CSV or Parquet files as a source: what an operator drops there is collected like what comes by wire."""

import asyncio
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final

from quant.markets.listing import Board, Market

from market.feeds.bar_files import REQUIRED, SYMBOL, BarFile, UnreadableFile, read_bar_file
from market.providers.port import NotOffered, Provenance, RawBar, UnknownSymbol, Unreadable

ROWS_MAX: Final = 2_000_000
ENDINGS: Final = ("csv", "parquet")


class Files:
    """One file for each symbol, named after it; raw prices."""

    provenance = Provenance("files", "raw", "owner", frozenset({"KRX", "US"}), whole_days=False, series=True)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def fetch_series(self, symbol: str, market: Market, first: date, last: date) -> Sequence[RawBar]:  # noqa: ARG002 - files do not care
        """Read the symbol's file anew each time: it may have grown."""
        return await asyncio.to_thread(self._read, symbol, str(first), str(last))

    async def fetch_day(self, board: Board, day: date) -> Sequence[RawBar]:
        """Not offered: nothing in a folder says which board it is."""
        raise NotOffered(f"a folder has symbols, not {board} on {day}")

    def _read(self, symbol: str, first: str, last: str) -> list[RawBar]:
        paths = [path for ending in ENDINGS if (path := self._folder / f"{symbol}.{ending}").is_file()]
        if not paths:
            raise UnknownSymbol(f"{self._folder} has no file of {symbol}")
        try:
            frame = read_bar_file(BarFile(paths[0].name, paths[0].read_bytes()), ROWS_MAX)
        except UnreadableFile as wrong:
            raise Unreadable(f"{paths[0].name}:{wrong.line}: {wrong.reason}") from wrong
        rows = frame.select(SYMBOL, *REQUIRED).fill_null("").iter_rows()
        return sorted(bar for row in rows if first <= (bar := RawBar(*row)).date <= last)

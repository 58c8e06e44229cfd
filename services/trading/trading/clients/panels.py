"""What we ask market for portfolios: the daily bars of a universe, as the engine of backtests takes them."""

import asyncio
from collections.abc import Iterator
from datetime import date, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from quant.bars import FIELDS
from quant.choices import Universe
from quant.panel import Panel

from trading.clients.market import Market, UnexpectedAnswer
from trading.domain.basket import Basket

if TYPE_CHECKING:
    import polars as pl

DAYS_AT_ONCE: Final = 730
"""Market answers up to 750."""
ROWS_MAX: Final = 1_000_000
"""Bars of a universe: a year of a whole market. More are not read, and the run says so."""


class TooManyBars(Exception):
    """The universe has more bars since the day its history begins than we hold in memory."""


async def universe_of(market: Market, basket: Basket, first: date, last: date) -> Universe | None:
    """Return the bars of a basket's universe on those days, delisted names among them; None when there are none.

    Raises:
        Unavailable, UnexpectedAnswer: as for histories.
        TooManyBars: with a sentence for the owner.
    """
    figures = sorted(basket.choosing.figures)
    asked: dict[str, Any] = {"market": basket.market, "figures": figures}
    asked |= {name: list(getattr(basket, name)) for name in ("boards", "kinds", "symbols")}
    tables, rows = [], 0
    for begins, ends in _parts(first, last):
        body = await market.panel(asked | {"from": begins.isoformat(), "to": ends.isoformat()})
        tables.append(await asyncio.to_thread(_table, body))
        rows += tables[-1].height
        if rows > ROWS_MAX:
            raise TooManyBars(f"the universe has more than {ROWS_MAX:,} bars since {first}: begin later, or narrow it")
    return await asyncio.to_thread(_universe, tables, figures)


def _parts(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        ends = min(last, first + timedelta(days=DAYS_AT_ONCE - 1))
        yield first, ends
        first = ends + timedelta(days=1)


def _table(body: bytes) -> "pl.DataFrame":
    import polars as pl  # noqa: PLC0415 - 30 MB that only portfolios need

    try:
        return pl.read_parquet(BytesIO(body)).with_columns(pl.col("board", "kind").cast(pl.String))
    except pl.exceptions.PolarsError as unreadable:
        raise UnexpectedAnswer("market answered a panel we cannot read") from unreadable


def _universe(tables: "list[pl.DataFrame]", figures: list[str]) -> Universe | None:
    """One universe out of the parts; every symbol is listed where the newest part says."""
    import polars as pl  # noqa: PLC0415 - as above

    filled = [table for table in tables if table.height]
    if not filled:
        return None
    try:
        rows = pl.concat(filled).sort("symbol", "day")
        frame = {name: rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in (*FIELDS, *figures)}
        panel = Panel.of(rows["symbol"].to_list(), rows["day"].to_numpy(), frame)
    except (pl.exceptions.PolarsError, ValueError) as unreadable:
        raise UnexpectedAnswer("market answered a panel we cannot read") from unreadable
    listed = rows[panel.last_rows]
    left = listed["delisted_on"].to_numpy().astype("datetime64[D]")
    return Universe(panel, listed["board"].to_list(), listed["kind"].to_list(), left)

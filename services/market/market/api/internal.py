"""For the platform's own services: bars as columns of numbers, for computing."""

import asyncio
from datetime import date, datetime, timedelta
from io import BytesIO
from typing import Annotated, Any, Literal

import polars as pl
from fastapi import APIRouter, Query
from fastapi.responses import Response
from kit.auth import CurrentService
from kit.db import PublicSession
from kit.errors import AUTHENTICATED, responses
from pydantic import BaseModel, ConfigDict, Field
from quant.markets.listing import Board, Market
from quant.markets.listing import Kind as InstrumentKind
from quant.markets.symbols import SYMBOL_TEXT_MAX

from market.api.types import SymbolList
from market.domain.screen import RATIOS
from market.errors import BadRange, BadSymbols
from market.store import bars, panels
from market.store.charts import DAYS_MAX, find_chart

router = APIRouter(prefix="/internal", tags=["internal"])
SYMBOLS_MAX = 3_000
PARQUET = "application/vnd.apache.parquet"
FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The rows", "content": {PARQUET: {"schema": {"type": "string", "format": "binary"}}}}
}
PANEL_DAYS_MAX = 750
"""Days of one answer: two years of a whole market are 1.5 million rows."""
MINUTES_MAX = 15_000
"""Bars of one symbol in one answer: a month of minutes."""


class Series(BaseModel):
    """The bars of one symbol by column, oldest first, without halted days; all lists are equally long."""

    date: list[date]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[int]


@router.get(
    "/bars",
    response_model=dict[str, Series],
    responses={**AUTHENTICATED, **responses(BadSymbols, BadRange)},
)
async def read_series(
    _service: CurrentService,
    session: PublicSession,
    symbols: SymbolList,
    from_day: Annotated[date, Query(alias="from")],
    to_day: Annotated[date, Query(alias="to")],
    interval: Literal["1d"] = "1d",  # noqa: ARG001 - the only one there is; others are refused
) -> Response:
    """Give bars of up to 100 symbols; symbols without any are left out."""
    if from_day > to_day:
        raise BadRange(f"The first day {from_day} is after the last one {to_day}.")
    body = await bars.find_series(session, symbols, from_day, to_day)
    return Response(body, media_type="application/json")


Figure = Literal["per", "pbr", "eps", "bps", "roe", "roa", "dividend_yield", "debt_ratio", "current_ratio"]


class PanelQuery(BaseModel):
    """Which part of a market, on which days; an empty list means all. `figures` are read as known on each day."""

    model_config = ConfigDict(extra="forbid")

    market: Market
    from_day: date = Field(alias="from")
    to_day: date = Field(alias="to")
    boards: Annotated[list[Board], Field(max_length=4)] = []
    kinds: Annotated[list[InstrumentKind], Field(max_length=2)] = []
    symbols: Annotated[list[Annotated[str, Field(max_length=SYMBOL_TEXT_MAX)]], Field(max_length=SYMBOLS_MAX)] = []
    figures: Annotated[list[Figure], Field(max_length=len(RATIOS))] = []


@router.post("/panel", response_class=Response, responses={**AUTHENTICATED, **responses(BadRange), **FILE})
async def read_panel(_service: CurrentService, session: PublicSession, body: PanelQuery) -> Response:
    """Give the adjusted bars of up to 750 days of many symbols as Parquet, by symbol and day, without halted days.

    Each row says where its symbol is listed, and `delisted_on` when it left; symbols that have left are among them.
    """
    if not 0 <= (body.to_day - body.from_day).days < PANEL_DAYS_MAX:
        raise BadRange(f"Ask for 1 to {PANEL_DAYS_MAX} days, `from` not after `to`.")
    listed = await panels.find_listed(session, body.market)
    rows = await panels.find_rows(session, body.market, body.from_day, body.to_day)
    return Response(await asyncio.to_thread(_parquet, body, listed, rows), media_type=PARQUET)


def _parquet(asked: PanelQuery, listed: pl.DataFrame, rows: pl.DataFrame) -> bytes:
    for name, wanted in (("board", asked.boards), ("kind", asked.kinds), ("symbol", asked.symbols)):
        if wanted:
            listed = listed.filter(pl.col(name).cast(pl.String).is_in(wanted))
    known = [pl.col(name) if name in rows.columns else pl.lit(None, pl.Float64).alias(name) for name in asked.figures]
    shown = rows.select("symbol", "day", *panels.NUMBERS, *known).join(listed, on="symbol").sort("symbol", "day")
    body = BytesIO()
    shown.write_parquet(body, compression="zstd", compression_level=1)
    return body.getvalue()


class MinuteBar(BaseModel):
    """A bar within a day; `time` is when it began, prices are decimal strings."""

    time: datetime
    open: str
    high: str
    low: str
    close: str
    volume: int
    halted: bool


@router.get(
    "/minutes",
    response_model=dict[str, list[MinuteBar]],
    responses={**AUTHENTICATED, **responses(BadSymbols, BadRange)},
)
async def read_minutes(
    _service: CurrentService,
    session: PublicSession,
    symbols: SymbolList,
    to_day: Annotated[date, Query(alias="to")],
    interval: Literal["1m", "5m", "15m", "1h"] = "1m",
    bars_max: Annotated[int, Query(ge=1, le=MINUTES_MAX)] = MINUTES_MAX,
) -> Response:
    """Give the newest bars within days of up to 100 symbols, oldest first: as many days as one question may read."""
    span = (to_day - timedelta(days=DAYS_MAX[interval] - 1), to_day)
    texts = [
        f'"{symbol}":{await find_chart(session, symbol, interval, span, adjusted=True, bars_max=bars_max)}'
        for symbol in symbols
    ]
    return Response(f"{{{','.join(texts)}}}", media_type="application/json")

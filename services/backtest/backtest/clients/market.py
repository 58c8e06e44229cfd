"""What we ask market: the daily bars of one symbol, and those of a universe."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from http import HTTPStatus
from io import BytesIO
from typing import Any

import httpx
import numpy as np
import polars as pl
from kit.errors import Unavailable
from kit.service_tokens import ServiceTokens
from pydantic import BaseModel, TypeAdapter, ValidationError
from quant.backtest import Universe
from quant.bars import FIELDS
from quant.markets.listing import Board, Kind
from quant.panel import Panel

from backtest.domain.holdings import ROWS_MAX
from backtest.domain.prices import History
from backtest.domain.run import Terms
from backtest.domain.strategy import Portfolio

ANSWER_BYTES_MAX = 16 << 20
PANEL_BYTES_MAX = 256 << 20
PANEL_DAYS = 730
"""Days of one question: market answers up to 750."""
PANEL_SECONDS = 60.0
EARLIEST = date(1900, 1, 1)


class _Columns(BaseModel):
    """Bars as columns; market may say where the symbol is listed and what it is."""

    date: list[date]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]
    board: Board | None = None
    kind: Kind | None = None


_ANSWER = TypeAdapter(dict[str, _Columns])


class UnexpectedAnswer(Exception):
    """Market refused the question, or answered in another form: trying again does not help."""


class Market:
    """Market's internal routes."""

    def __init__(self, http: httpx.AsyncClient, market_url: str, tokens: ServiceTokens) -> None:
        self._http = http
        self._url = f"{market_url.rstrip('/')}/internal"
        self._tokens = tokens

    async def history_of(self, terms: Terms) -> History | None:
        """Return the daily bars of a run's symbol and days; None when market knows no such symbol.

        Raises:
            Unavailable: while market or auth cannot be reached or fails.
            UnexpectedAnswer: for anything the two services have not agreed on.
        """
        code = terms.listing.code
        answer = await self._get(_question(terms))
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable(f"market answered {answer.status_code}")
        if answer.status_code != HTTPStatus.OK or len(answer.content) > ANSWER_BYTES_MAX:
            raise UnexpectedAnswer(f"market answered {answer.status_code} with {len(answer.content)} bytes")
        try:
            columns = _ANSWER.validate_json(answer.content).get(code)
        except ValidationError as unreadable:
            raise UnexpectedAnswer("market answered bars we cannot read") from unreadable
        if columns is None:
            return None
        values = {field: getattr(columns, field) for field in FIELDS}
        return History(columns.date, values, columns.board, columns.kind)

    async def universe_of(self, terms: Terms, portfolio: Portfolio, figures: Sequence[str]) -> Universe | None:
        """Return the daily bars of a universe, with these figures as known on each day; None when there are none.

        A long period is asked for in parts, and no further than a run may read. Raises as `history_of`.
        """
        assert terms.start is not None, "a portfolio has a first day"
        assert terms.end is not None, "and a last"
        asked = {"market": portfolio.market, "figures": list(figures)}
        asked |= {name: list(getattr(portfolio, name)) for name in ("boards", "kinds", "symbols")}
        parts, rows, first = [], 0, terms.start
        while first <= terms.end and rows <= ROWS_MAX:
            last = min(terms.end, first + timedelta(days=PANEL_DAYS - 1))
            answer = await self._get(None, asked | {"from": first.isoformat(), "to": last.isoformat()})
            if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise Unavailable(f"market answered {answer.status_code}")
            if answer.status_code != HTTPStatus.OK or len(answer.content) > PANEL_BYTES_MAX:
                raise UnexpectedAnswer(f"market answered {answer.status_code} with {len(answer.content)} bytes")
            parts.append(answer.content)
            rows += await asyncio.to_thread(_height, answer.content)
            first = last + timedelta(days=1)
        return await asyncio.to_thread(_universe, parts, list(figures))

    async def _get(self, query: dict[str, str] | None, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            if body is None:
                return await self._http.get(f"{self._url}/bars", params=query, auth=self._tokens)
            return await self._http.post(f"{self._url}/panel", json=body, auth=self._tokens, timeout=PANEL_SECONDS)
        except httpx.HTTPError as failed:
            raise Unavailable(f"market cannot be asked for bars: {type(failed).__name__}") from failed


def _question(terms: Terms) -> dict[str, str]:
    """Market wants both ends; an open one reaches beyond any bar."""
    first, last = terms.start or EARLIEST, terms.end or date.max
    return {"symbols": terms.listing.code, "interval": "1d", "from": first.isoformat(), "to": last.isoformat()}


def _height(part: bytes) -> int:
    try:
        return int(pl.scan_parquet(BytesIO(part)).select(pl.len()).collect().item())
    except pl.exceptions.PolarsError as unreadable:
        raise UnexpectedAnswer("market answered a panel we cannot read") from unreadable


def _universe(parts: list[bytes], figures: list[str]) -> Universe | None:
    """One universe out of the parts of a period; every symbol is listed where the newest part says."""
    try:
        tables = [pl.read_parquet(BytesIO(part)) for part in parts]
        filled = [table.with_columns(pl.col("board", "kind").cast(pl.String)) for table in tables if table.height]
        if not filled:
            return None
        rows = pl.concat(filled).sort("symbol", "day")
        frame = {name: rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in (*FIELDS, *figures)}
        panel = Panel.of(rows["symbol"].to_list(), rows["day"].to_numpy(), frame)
    except (pl.exceptions.PolarsError, ValueError) as unreadable:
        raise UnexpectedAnswer("market answered a panel we cannot read") from unreadable
    listed = rows[panel.last_rows]
    left = listed["delisted_on"].to_numpy().astype("datetime64[D]")
    return Universe(panel, listed["board"].to_list(), listed["kind"].to_list(), left)

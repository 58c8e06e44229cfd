"""What we ask market: closed bars, as the columns that rules are judged over."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from typing import Any, Final, TypeVar

import httpx
import numpy as np
from kit.errors import Unavailable
from kit.service_tokens import ServiceTokens
from pydantic import BaseModel, TypeAdapter, ValidationError
from quant.bars import FIELDS, Frame
from quant.markets.intervals import Interval

from notification.domain.rule_alert import BARS_MAX

SYMBOLS_AT_ONCE: Final = 20
DAYS_MAX: Final = timedelta(days=3_000)
"""In which there are as many sessions as a rule may look at."""


class _Columns(BaseModel):
    date: list[date]
    open: list[float]
    high: list[float]
    low: list[float]
    close: list[float]
    volume: list[float]


class _Bar(BaseModel):
    time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float
    halted: bool


_DAYS = TypeAdapter(dict[str, _Columns])
_MINUTES = TypeAdapter(dict[str, list[_Bar]])
Read = TypeVar("Read")


class Market:
    """Market's internal routes, asked with a token of our own."""

    def __init__(self, http: httpx.AsyncClient, market_url: str, tokens: ServiceTokens) -> None:
        self._http = http
        self._url = market_url.rstrip("/")
        self._tokens = tokens

    async def frames(self, symbols: Sequence[str], interval: Interval, bar: datetime) -> dict[str, Frame]:
        """Return the closed bars up to the one that began at `bar`, of those symbols that have that one.

        Raises:
            Unavailable: while market or auth cannot be asked, or answers what we cannot read.
        """
        found: dict[str, Frame] = {}
        for first in range(0, len(symbols), SYMBOLS_AT_ONCE):
            asked = ",".join(symbols[first : first + SYMBOLS_AT_ONCE])
            if interval == "1d":
                days = (bar - DAYS_MAX).date().isoformat(), bar.date().isoformat()
                question = {"symbols": asked, "interval": "1d", "from": days[0], "to": days[1]}
                for symbol, columns in (await self._get("/internal/bars", question, _DAYS)).items():
                    times = [datetime.combine(day, time.min, UTC) for day in columns.date]
                    found |= _up_to(bar, symbol, times, {name: getattr(columns, name) for name in FIELDS})
            else:
                to = bar.date().isoformat()
                question = {"symbols": asked, "interval": interval, "to": to, "bars_max": str(BARS_MAX)}
                for symbol, bars in (await self._get("/internal/minutes", question, _MINUTES)).items():
                    traded = [each for each in bars if not each.halted]
                    rows = {name: [getattr(each, name) for each in traded] for name in FIELDS}
                    found |= _up_to(bar, symbol, [each.time for each in traded], rows)
        return found

    async def _get(self, path: str, question: dict[str, str], shape: TypeAdapter[Read]) -> Read:
        try:
            answer = await self._http.get(f"{self._url}{path}", params=question, auth=self._tokens)
        except httpx.HTTPError as failed:
            raise Unavailable(f"market cannot be asked for bars: {type(failed).__name__}") from failed
        if answer.status_code != HTTPStatus.OK:
            raise Unavailable(f"market answered {answer.status_code}")
        try:
            return shape.validate_json(answer.content)
        except ValidationError as unreadable:
            raise Unavailable("market answered bars we cannot read") from unreadable


def _up_to(bar: datetime, symbol: str, times: list[datetime], rows: Mapping[str, Any]) -> dict[str, Frame]:
    size = bisect_right(times, bar)
    if not size or times[size - 1] != bar:
        return {}
    return {symbol: {name: np.asarray(values[:size], dtype=np.float64) for name, values in rows.items()}}

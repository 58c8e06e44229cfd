"""What we ask market: closed bars, as the columns that rules are evaluated over."""

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from http import HTTPStatus
from typing import Any, Final

import httpx
import numpy as np
from kit.errors import Unavailable
from kit.service_tokens import ServiceTokens
from numpy.typing import NDArray
from pydantic import BaseModel, TypeAdapter, ValidationError
from quant.bars import FIELDS, Frame
from quant.markets.intervals import Interval

EARLIEST: Final = date(1900, 1, 1)
SYMBOLS_AT_ONCE: Final = 100
MINUTES_MAX: Final = 2_000
ANSWER_BYTES_MAX: Final = 64 << 20
PANEL_BYTES_MAX: Final = 256 << 20
PANEL_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Closed bars of one symbol, oldest first: when each began, and the columns of `FIELDS`."""

    times: NDArray[np.datetime64]
    frame: Frame

    def __len__(self) -> int:
        return len(self.times)

    @property
    def last(self) -> datetime | None:
        """When the newest bar began."""
        return None if not len(self.times) else self.times[-1].astype("datetime64[s]").item().replace(tzinfo=UTC)

    def followed_by(self, newer: "History") -> "History | None":
        """These bars and newer ones; None when nothing of both is the same bar, so that something may be missing."""
        overlap = int(np.searchsorted(newer.times, self.times[-1]))
        if overlap >= len(newer) or newer.times[overlap] != self.times[-1]:
            return None
        fresh = overlap + 1
        joined = {name: np.concatenate([values, newer.frame[name][fresh:]]) for name, values in self.frame.items()}
        return History(np.concatenate([self.times, newer.times[fresh:]]), joined)

    def between(self, first: date | None, until: datetime) -> "History":
        """The bars from a day on, up to the one that began at `until`."""
        begin = 0 if first is None else int(np.searchsorted(self.times, np.datetime64(first, "s")))
        end = int(np.searchsorted(self.times, _naive(until), side="right"))
        return History(self.times[begin:end], {name: values[begin:end] for name, values in self.frame.items()})


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


class UnexpectedAnswer(Exception):
    """Market refused the question, or answered in another form: trying again does not help."""


class Market:
    """Market's internal routes, asked with a token of our own."""

    def __init__(self, http: httpx.AsyncClient, market_url: str, tokens: ServiceTokens) -> None:
        self._http = http
        self._url = market_url.rstrip("/")
        self._tokens = tokens

    async def histories(
        self, symbols: Sequence[str], interval: Interval, until: datetime, bars_max: int = MINUTES_MAX
    ) -> dict[str, History]:
        """Return the bars of those symbols that have any, up to the one that began at `until`, halted days left out.

        Of days there are all, of shorter bars the newest `bars_max` at most.

        Raises:
            Unavailable: while market or auth cannot be reached or fails.
            UnexpectedAnswer: for anything the two services have not agreed on.
        """
        found: dict[str, History] = {}
        for first in range(0, len(symbols), SYMBOLS_AT_ONCE):
            asked = ",".join(symbols[first : first + SYMBOLS_AT_ONCE])
            if interval == "1d":
                span = {"from": EARLIEST.isoformat(), "to": until.date().isoformat()}
                body = await self._get("/internal/bars", {"symbols": asked, "interval": "1d", **span})
                found |= _days(body)
            else:
                span = {"to": until.date().isoformat(), "bars_max": str(bars_max)}
                body = await self._get("/internal/minutes", {"symbols": asked, "interval": interval, **span})
                found |= _minutes(body)
        return {symbol: history.between(None, until) for symbol, history in found.items() if len(history)}

    async def closes(self, symbol: str, first: date, last: date) -> dict[date, Decimal]:
        """Return a symbol's closes between two days, both included; none when market has no bars of it.

        Raises:
            Unavailable, UnexpectedAnswer: as for histories.
        """
        span = {"from": first.isoformat(), "to": last.isoformat()}
        found = _days(await self._get("/internal/bars", {"symbols": symbol, "interval": "1d", **span})).get(symbol)
        if found is None:
            return {}
        days = (moment.astype("datetime64[D]").item() for moment in found.times)
        return {day: Decimal(repr(close)) for day, close in zip(days, found.frame["close"].tolist(), strict=True)}

    async def panel(self, question: dict[str, Any]) -> bytes:
        """Return the bars of a universe as Parquet, as market answers them.

        Raises:
            Unavailable, UnexpectedAnswer: as for histories.
        """
        ask = self._http.post(f"{self._url}/internal/panel", json=question, auth=self._tokens, timeout=PANEL_SECONDS)
        return await self._answer(ask, PANEL_BYTES_MAX)

    async def _get(self, path: str, question: dict[str, str]) -> bytes:
        ask = self._http.get(f"{self._url}{path}", params=question, auth=self._tokens)
        return await self._answer(ask, ANSWER_BYTES_MAX)

    async def _answer(self, ask: Awaitable[httpx.Response], bytes_max: int) -> bytes:
        try:
            answer = await ask
        except httpx.HTTPError as failed:
            raise Unavailable(f"market cannot be asked for bars: {type(failed).__name__}") from failed
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unavailable(f"market answered {answer.status_code}")
        if answer.status_code != HTTPStatus.OK or len(answer.content) > bytes_max:
            raise UnexpectedAnswer(f"market answered {answer.status_code} with {len(answer.content)} bytes")
        return answer.content


def day_of(day: date) -> datetime:
    """When a day's bar began: at midnight UTC, by the market's contract."""
    return datetime.combine(day, time.min, UTC)


def _naive(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "s")


def _days(body: bytes) -> dict[str, History]:
    try:
        answer = _DAYS.validate_json(body)
    except ValidationError as unreadable:
        raise UnexpectedAnswer("market answered bars we cannot read") from unreadable
    return {
        symbol: History(
            np.asarray(columns.date, dtype="datetime64[s]"),
            {name: np.asarray(getattr(columns, name), dtype=np.float64) for name in FIELDS},
        )
        for symbol, columns in answer.items()
    }


def _minutes(body: bytes) -> dict[str, History]:
    try:
        answer = _MINUTES.validate_json(body)
    except ValidationError as unreadable:
        raise UnexpectedAnswer("market answered bars we cannot read") from unreadable
    found = {}
    for symbol, bars in answer.items():
        traded = [bar for bar in bars if not bar.halted]
        times = np.asarray([_naive(bar.time) for bar in traded], dtype="datetime64[s]")
        columns = {name: np.asarray([getattr(bar, name) for bar in traded], dtype=np.float64) for name in FIELDS}
        found[symbol] = History(times, columns)
    return found

"""What we ask market: the daily bars of one symbol."""

from datetime import date
from http import HTTPStatus

import httpx
from kit.errors import Unavailable
from pydantic import BaseModel, TypeAdapter, ValidationError
from quant.bars import FIELDS
from quant.markets.listing import Board, Kind

from backtest.clients.auth import ServiceTokens
from backtest.domain.prices import History
from backtest.domain.run import Terms

ANSWER_BYTES_MAX = 16 << 20
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
        self._url = f"{market_url.rstrip('/')}/internal/bars"
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

    async def _get(self, question: dict[str, str]) -> httpx.Response:
        """Ask once, and once more with a new token if the first is refused: auth may have changed its keys."""
        token = await self._tokens.current()
        answer = await self._ask(question, token)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            self._tokens.forget(token)
            answer = await self._ask(question, await self._tokens.current())
        return answer

    async def _ask(self, question: dict[str, str], token: str) -> httpx.Response:
        try:
            return await self._http.get(self._url, params=question, headers={"Authorization": f"Bearer {token}"})
        except httpx.HTTPError as failed:
            raise Unavailable(f"market cannot be asked for bars: {type(failed).__name__}") from failed


def _question(terms: Terms) -> dict[str, str]:
    """Market wants both ends; an open one reaches beyond any bar."""
    first, last = terms.start or EARLIEST, terms.end or date.max
    return {"symbols": terms.listing.code, "interval": "1d", "from": first.isoformat(), "to": last.isoformat()}

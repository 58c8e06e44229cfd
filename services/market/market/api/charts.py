"""Charts: the bars of a symbol in every interval, written as JSON by the database."""

from datetime import date, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from kit.auth import CurrentUser
from kit.db import Database, Session
from kit.errors import AUTHENTICATED, FieldError, responses
from kit.json import dumps_text
from kit.money import Money
from pydantic import BaseModel
from quant.markets.symbols import normalise

from market.api.types import Days, SymbolPath
from market.chart_cache import Asked, ChartCache
from market.errors import BadRange, StockNotFound
from market.store import charts, instruments, panels
from market.store.charts import Interval

BARS_MAX = 10_000

router = APIRouter(prefix="/api/v1/market", tags=["market"])


class ChartBar(BaseModel):
    """One bar, named by the first day of its day, week or month, or by the minute it began (UTC).

    On a halted day open, high and low are "0" and the close is that of the day before.
    """

    time: date | datetime
    open: Money
    high: Money
    low: Money
    close: Money
    volume: int
    halted: bool


class Chart(BaseModel):
    """Bars, oldest first."""

    symbol: str
    interval: Interval
    adjusted: bool
    items: list[ChartBar]
    next_cursor: None


@router.get(
    "/charts/{symbol}",
    response_model=Chart,
    responses={**AUTHENTICATED, **responses(StockNotFound, BadRange)},
)
async def read_chart(
    _user: CurrentUser,
    request: Request,
    symbol: SymbolPath,
    days: Days,
    interval: Interval = "1d",
    adjusted: Annotated[bool, Query(description="Earlier prices as if splits had happened before")] = True,  # noqa: FBT002 - FastAPI reads parameters so
) -> Response:
    """Show the bars between two days; the newest 10,000 when there are more.

    Minutes are bounded: 31 days of 1m, 92 of 5m, 184 of 15m, 732 of 1h. Bars that were delivered adjusted stay as they
    are.
    """
    bound, first = charts.DAYS_MAX.get(interval), days.first
    if bound is not None and not days.first_is_chosen:
        first = days.last - timedelta(days=bound)
    if bound is not None and (days.last - first).days > bound:
        wrong = FieldError(field="from", message=f"is more than {bound} days before `to`", code=BadRange.CODE)
        raise BadRange(f"Bars of {interval} are shown for {bound} days at most.", errors=[wrong])
    asked = Asked(symbol, interval, first, days.last, adjusted)
    database: Database = request.app.state.resources.database
    async with database.public() as session:
        if bound is not None:  # minutes are stored all day long: not worth keeping
            return _answer(await _body(session, asked))
        cache: ChartCache = request.app.state.resources.charts
        revision = await panels.find_revision(session, normalise(symbol).market)
        body = cache.find(asked, revision)
        if body is None:
            body = await _body(session, asked)
            cache.save(asked, revision, body)
    return _answer(body)


async def _body(session: Session, asked: Asked) -> bytes:
    span, adjusted = (asked.first, asked.last), asked.adjusted
    items = await charts.find_chart(session, asked.symbol, asked.interval, span, adjusted=adjusted, bars_max=BARS_MAX)
    if items == "[]" and await instruments.find(session, asked.symbol) is None:
        raise StockNotFound(f"No bars of {asked.symbol} were ever imported.")
    # the bars stay the text they are: thousands of model objects would take ten times as long as the query
    head = dumps_text({"symbol": asked.symbol, "interval": asked.interval, "adjusted": adjusted}).removesuffix("}")
    return f'{head},"items":{items},"next_cursor":null}}'.encode()


def _answer(body: bytes) -> Response:
    return Response(body, media_type="application/json")

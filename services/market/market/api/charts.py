"""Charts: the bars of a symbol, written as JSON by the database."""

from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import PublicSession
from kit.errors import AUTHENTICATED, FieldError, responses
from kit.json import dumps_text
from kit.money import Money
from pydantic import BaseModel

from market.api.types import SymbolPath
from market.errors import BadRange, StockNotFound
from market.store import bars, instruments

BARS_MAX = 10_000
DEFAULT_SPAN = timedelta(days=366)

router = APIRouter(prefix="/api/v1/market", tags=["market"])


class ChartBar(BaseModel):
    """One day. On a halted day open, high and low are "0" and the close is that of the day before."""

    time: date
    open: Money
    high: Money
    low: Money
    close: Money
    volume: int
    halted: bool


class Chart(BaseModel):
    """Bars, oldest first."""

    symbol: str
    interval: Literal["1d"]
    items: list[ChartBar]
    next_cursor: None


@router.get(
    "/charts/{symbol}",
    response_model=Chart,
    responses={**AUTHENTICATED, **responses(StockNotFound, BadRange)},
)
async def read_chart(
    _user: CurrentUser,
    session: PublicSession,
    symbol: SymbolPath,
    interval: Literal["1d"] = "1d",
    from_day: Annotated[date | None, Query(alias="from", description="First day; one year before `to`")] = None,
    to_day: Annotated[date | None, Query(alias="to", description="Last day, itself included; today")] = None,
) -> Response:
    """Show the daily bars between two days; the newest 10,000 when there are more."""
    last = to_day or now().date() + timedelta(days=1)
    first = from_day or max(last, date.min + DEFAULT_SPAN) - DEFAULT_SPAN
    if first > last:
        wrong = FieldError(field="from", message="is after `to`", code=BadRange.CODE)
        raise BadRange(f"The first day {first} is after the last one {last}.", errors=[wrong])
    items = await bars.find_chart(session, symbol, first, last, BARS_MAX)
    if items == "[]" and await instruments.find(session, symbol) is None:
        raise StockNotFound(f"No bars of {symbol} were ever imported.")
    # the bars stay the text they are: thousands of model objects would take ten times as long as the query
    head = f'{{"symbol":{dumps_text(symbol)},"interval":{dumps_text(interval)}'
    return Response(f'{head},"items":{items},"next_cursor":null}}', media_type="application/json")

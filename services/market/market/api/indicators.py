"""Indicators: any number of the rule language over a symbol's bars."""

import asyncio
from datetime import date
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from kit.auth import CurrentUser
from kit.db import Database
from kit.errors import AUTHENTICATED, FieldError, responses
from kit.json import dumps, loads
from pydantic import BaseModel
from quant.bars import FIELDS, Frame
from quant.indicators import REGISTRY, Indicator
from quant.rules import TEXT_MAX, Columns, RuleError, compile_series
from quant.rules.nodes import NumberNode, look_back_of

from market.api.types import Days, SymbolPath
from market.errors import BadRange, BadRule, StockNotFound
from market.store import bars

VALUES_MAX = 10_000

router = APIRouter(prefix="/api/v1/market", tags=["market"])


class IndicatorSeries(BaseModel):
    """Columns of one length: days, and for each output its values, null where they cannot be known.

    An indicator of one output, and arithmetic, is called `value`. Halted days are left out.
    """

    symbol: str
    interval: Literal["1d"]
    expr: str
    look_back: int
    time: list[date]
    values: dict[str, list[float | None]]


class ParameterView(BaseModel):
    """A number an indicator takes; both bounds are allowed."""

    name: str
    default: float
    least: float
    most: float
    is_whole: bool


class IndicatorView(BaseModel):
    """An indicator of the language: written `name(parameters)`, and with `.output` when it has several."""

    name: str
    summary: str
    inputs: list[str]
    parameters: list[ParameterView]
    outputs: list[str]
    look_back: int


def bad_rule(error: RuleError, field: str) -> BadRule:
    """Answer a rule that cannot be read with its reason in both languages and its column."""
    wrong = FieldError(field=field, message=str(error), code=BadRule.CODE)
    return BadRule(str(error), errors=[wrong], column=error.column, message_ko=error.message_ko)


@router.get("/indicators", responses=AUTHENTICATED)
async def list_indicators(_user: CurrentUser) -> list[IndicatorView]:
    """List every indicator and candlestick pattern, with its parameters and the bars it needs at their defaults."""
    return [_view(indicator) for indicator in REGISTRY.values()]


@router.get(
    "/indicators/{symbol}",
    response_model=IndicatorSeries,
    responses={**AUTHENTICATED, **responses(StockNotFound, BadRange, BadRule)},
)
async def read_indicator(
    _user: CurrentUser,
    request: Request,
    symbol: SymbolPath,
    days: Days,
    expr: Annotated[str, Query(max_length=TEXT_MAX, examples=["rsi(14)", "macd(12,26,9)", "close / sma(20)"])],
    interval: Literal["1d"] = "1d",
) -> Response:
    """Compute an indicator over all stored bars, and show the days asked for; the newest 10,000 when there are more."""
    try:
        nodes = compile_series(expr)
    except RuleError as error:
        raise bad_rule(error, "expr") from None
    database: Database = request.app.state.resources.database
    async with database.public() as session:  # ends before the computing begins
        found = loads(await bars.find_series(session, [symbol], date.min, days.last))
    if symbol not in found:
        raise StockNotFound(f"No bars of {symbol} up to {days.last} were ever imported.")
    answer = await asyncio.to_thread(_columns, found[symbol], nodes, days.first)
    head = {"symbol": symbol, "interval": interval, "expr": expr, "look_back": max(map(look_back_of, nodes.values()))}
    return Response(dumps(head | answer), media_type="application/json")


def _columns(series: dict[str, Any], nodes: dict[str, NumberNode], first: date) -> dict[str, Any]:
    frame: Frame = {name: np.array(series[name], dtype=np.float64) for name in FIELDS}
    columns, days = Columns(frame), series["date"]
    begin = max(
        int(np.searchsorted(np.array(days, dtype="datetime64[D]"), np.datetime64(first))), len(days) - VALUES_MAX
    )
    values = {name: node.series(columns)[begin:] for name, node in nodes.items()}
    return {
        "time": days[begin:],
        "values": {
            name: [value if known else None for value, known in zip(column.tolist(), np.isfinite(column), strict=True)]
            for name, column in values.items()
        },
    }


def _view(indicator: Indicator) -> IndicatorView:
    return IndicatorView(
        name=indicator.name,
        summary=indicator.summary,
        inputs=list(indicator.inputs),
        parameters=[
            ParameterView(name=one.name, default=one.default, least=one.least, most=one.most, is_whole=one.is_whole)
            for one in indicator.parameters
        ],
        outputs=list(indicator.outputs),
        look_back=max(indicator.look_backs(indicator.bind(())).values()),
    )

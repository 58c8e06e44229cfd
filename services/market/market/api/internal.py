"""For the platform's own services: bars as columns of numbers, for computing."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response
from kit.auth import CurrentService
from kit.db import PublicSession
from kit.errors import AUTHENTICATED, responses
from pydantic import BaseModel

from market.api.types import SymbolList
from market.errors import BadRange, BadSymbols
from market.store import bars

router = APIRouter(prefix="/internal", tags=["internal"])


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

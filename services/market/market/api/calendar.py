"""The calendar: which days have a session, and its hours."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from kit.auth import CurrentUser
from kit.clock import now
from kit.errors import AUTHENTICATED, FieldError, responses
from pydantic import BaseModel, ConfigDict
from quant.markets.listing import Market

from market.domain.sessions import SessionDay, local_day, sessions_of
from market.errors import BadRange

DAYS_MAX = 366
DAYS_DEFAULT = 31

router = APIRouter(prefix="/api/v1/market", tags=["market"])


class SessionView(BaseModel):
    """A day's regular session, in UTC; `special` when its hours are not the usual ones."""

    model_config = ConfigDict(from_attributes=True)

    day: date
    opens_at: datetime
    closes_at: datetime
    special: bool


class Calendar(BaseModel):
    """The sessions of a span of days; a day that is not listed has none."""

    market: Market
    items: list[SessionView]


@router.get("/calendar", responses={**AUTHENTICATED, **responses(BadRange)})
async def read_calendar(
    _user: CurrentUser,
    market: Market = "KRX",
    from_day: Annotated[date | None, Query(alias="from", description="First day; today at the market")] = None,
    to_day: Annotated[date | None, Query(alias="to", description="Last day; a month later")] = None,
) -> Calendar:
    """List the sessions of up to a year."""
    first = from_day or local_day(market, now())
    last = to_day or date.fromordinal(min(first.toordinal() + DAYS_DEFAULT, date.max.toordinal()))
    try:
        if not 0 <= (last - first).days <= DAYS_MAX:
            raise ValueError(f"ask for 0 to {DAYS_MAX} days, not {(last - first).days}")  # noqa: TRY301 - one answer for both
        found: list[SessionDay] = sessions_of(market, first, last)
    except ValueError as wrong:
        error = FieldError(field="from", message=str(wrong), code=BadRange.CODE)
        raise BadRange(f"The calendar cannot answer: {wrong}.", errors=[error]) from None
    return Calendar(market=market, items=[SessionView.model_validate(day) for day in found])

"""Fundamentals: a company's ratios, by the day from which anybody could know them."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import PublicSession
from kit.errors import AUTHENTICATED, responses
from kit.money import Money
from kit.pagination import PAGE_SIZE_MAX, Page
from pydantic import BaseModel, ConfigDict

from market.api.types import SymbolPath
from market.errors import StockNotFound
from market.store import fundamentals, instruments

router = APIRouter(prefix="/api/v1/market", tags=["market"])


class Fundamentals(BaseModel):
    """Ratios as known since a day: prices per share in the market's currency, returns and yields in percent."""

    model_config = ConfigDict(from_attributes=True)

    symbol: str
    known_since: date
    per: Money | None
    pbr: Money | None
    eps: Money | None
    bps: Money | None
    roe: Money | None
    roa: Money | None
    dividend_yield: Money | None
    debt_ratio: Money | None
    current_ratio: Money | None
    source: str


@router.get("/fundamentals/{symbol}", responses={**AUTHENTICATED, **responses(StockNotFound)})
async def read_fundamentals(
    _user: CurrentUser,
    session: PublicSession,
    symbol: SymbolPath,
    as_of: Annotated[date | None, Query(description="What was known on this day; today")] = None,
) -> Page[Fundamentals]:
    """Show a symbol's ratios as they were known, the newest first."""
    if await instruments.find(session, symbol) is None:
        raise StockNotFound(f"{symbol} is not known.")
    found = await fundamentals.list_known(session, symbol, as_of or now().date(), PAGE_SIZE_MAX)
    return Page(items=[Fundamentals.model_validate(row) for row in found], next_cursor=None)

"""Who bought and who sold, and what a company filed: by symbol, the newest first."""

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

from market.api.types import Days, SymbolPath
from market.errors import BadRange, StockNotFound
from market.store import figures, instruments

router = APIRouter(prefix="/api/v1/market", tags=["market"])


class FlowView(BaseModel):
    """Net buying of a day by kind of investor, in the market's currency; negative when they sold more."""

    model_config = ConfigDict(from_attributes=True)

    symbol: str
    day: date
    known_since: date
    individual: Money
    institution: Money
    foreigner: Money
    corporation: Money
    source: str


class DisclosureView(BaseModel):
    """A filing; `url` shows it at the authority."""

    receipt_no: str
    symbol: str
    company: str
    title: str
    known_since: date
    source: str
    url: str


@router.get("/investors/{symbol}", responses={**AUTHENTICATED, **responses(StockNotFound, BadRange)})
async def read_flows(_user: CurrentUser, session: PublicSession, symbol: SymbolPath, days: Days) -> Page[FlowView]:
    """Show who bought and who sold between two days, the newest first; of symbols on somebody's watchlist."""
    if await instruments.find(session, symbol) is None:
        raise StockNotFound(f"{symbol} is not known.")
    found = await figures.list_flows(session, symbol, (days.first, days.last), PAGE_SIZE_MAX)
    return Page(items=[FlowView.model_validate(row) for row in found], next_cursor=None)


@router.get("/disclosures/{symbol}", responses={**AUTHENTICATED, **responses(StockNotFound)})
async def read_disclosures(
    _user: CurrentUser,
    session: PublicSession,
    symbol: SymbolPath,
    as_of: Annotated[date | None, Query(description="What had been filed by this day; today")] = None,
) -> Page[DisclosureView]:
    """Show what a company has filed with DART."""
    if await instruments.find(session, symbol) is None:
        raise StockNotFound(f"{symbol} is not known.")
    found = await figures.list_disclosures(session, symbol, as_of or now().date(), PAGE_SIZE_MAX)
    address = "https://dart.fss.or.kr/dsaf001/main.do?rcpNo="
    items = [DisclosureView(**dict(row._mapping), url=f"{address}{row.receipt_no}") for row in found]
    return Page(items=items, next_cursor=None)

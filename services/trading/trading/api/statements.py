"""What was earned: closed trades, lots, the statement of a year, and everything as a file."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from kit.money import Money
from kit.pagination import Page, PageRequest, encode_cursor
from pydantic import BaseModel, ConfigDict
from quant.markets.listing import Currency

from trading.api.cursors import time_and_text_of
from trading.api.tables import FORMATS, TableFormat, file_of
from trading.api.types import Sum, SymbolCode
from trading.domain.history import Sold, lots_of
from trading.domain.request import AccountId
from trading.domain.statement import Method, sales_of, totals_of
from trading.errors import AccountNotFound, ExportTooLarge
from trading.store import accounts, exports, history
from trading.store.history import Wanted

YEAR_MIN = 2000
YEAR_MAX = 2100
DAY_MAX = date(YEAR_MAX, 1, 1)

router = APIRouter(prefix="/api/v1", tags=["trading"], responses=AUTHENTICATED)


class ClosedTradeShown(BaseModel):
    """A sale with what it realised, at moving-average cost and after all costs."""

    execution_id: str
    order_id: UUID
    account_id: UUID
    symbol: str
    currency: Currency
    quantity: Money
    price: Money
    proceeds: Sum
    cost: Sum
    fee: Money
    tax: Money
    realized_profit: Sum
    trade_date: date
    settlement_date: date


class LotShown(BaseModel):
    """Shares bought together that are still there; `cost` includes the fee."""

    model_config = ConfigDict(from_attributes=True)

    quantity: Money
    cost: Sum
    bought_on: date


class LotsShown(BaseModel):
    """What is left of every purchase, oldest first."""

    items: list[LotShown]


class SaleShown(BaseModel):
    """A sale in a statement. `held_since` is known by the method `fifo`."""

    account_id: UUID
    symbol: str
    currency: Currency
    quantity: Money
    price: Money
    proceeds: Sum
    cost: Sum
    fee: Money
    tax: Money
    profit: Sum
    trade_date: date
    settlement_date: date
    held_since: date | None


class TotalShown(BaseModel):
    """A year in one currency: `profit` is gains less losses after fees and taxes; dividends stand beside it."""

    model_config = ConfigDict(from_attributes=True)

    currency: Currency
    sales: int
    sold: Sum
    cost: Sum
    fee: Sum
    tax: Sum
    gain: Sum
    loss: Sum
    profit: Sum
    dividends: Sum
    withheld: Sum


class TaxShown(BaseModel):
    """The realised gains of a year, by settlement date."""

    year: int
    method: Method
    totals: list[TotalShown]
    sales: list[SaleShown]


@dataclass(frozen=True, slots=True)
class Days:
    """From when until when, half open; None for no end."""

    since: datetime | None
    until: datetime | None


def _days(
    first: Annotated[date | None, Query(alias="from")] = None,
    last: Annotated[date | None, Query(alias="to", lt=DAY_MAX)] = None,
) -> Days:
    since = datetime.combine(first, time(), UTC) if first else None
    return Days(since, datetime.combine(last, time(), UTC) + timedelta(days=1) if last else None)


@router.get("/portfolio/closed-trades")
async def get_closed_trades(
    session: OwnedSession, user: CurrentUser, page: PageRequest, account_id: UUID | None = None
) -> Page[ClosedTradeShown]:
    """List closed trades, newest first."""
    found = await exports.list_sales(
        session,
        user.user_id,
        before=time_and_text_of(page.cursor),
        limit=page.limit + 1,
        account_id=AccountId(account_id) if account_id else None,
    )
    last = found[page.limit - 1] if len(found) > page.limit else None
    more = encode_cursor(last["recorded_at"].isoformat(), last["execution_id"]) if last else None
    return Page(items=[ClosedTradeShown.model_validate(item) for item in found[: page.limit]], next_cursor=more)


@router.get("/trading/positions/{symbol}/lots", responses=responses(AccountNotFound))
async def get_lots(symbol: SymbolCode, account_id: UUID, session: OwnedSession, user: CurrentUser) -> LotsShown:
    """List an account's lots of one instrument: what is left of every purchase, the oldest sold first."""
    account = await _own(session, user.user_id, account_id)
    bookings = await history.list_bookings(session, user.user_id, Wanted(account_id=account, symbol=symbol))
    lots = (await asyncio.to_thread(lots_of, bookings)).get(symbol, [])
    return LotsShown(items=[LotShown(quantity=lot.quantity, cost=lot.cost, bought_on=lot.on) for lot in lots])


@router.get("/portfolio/tax", responses=responses(AccountNotFound))
async def get_portfolio_tax(
    session: OwnedSession,
    user: CurrentUser,
    year: Annotated[int | None, Query(ge=YEAR_MIN, le=YEAR_MAX)] = None,
    method: Method = "average",
    account_id: UUID | None = None,
) -> TaxShown:
    """State the realised gains of a year (this one, if none is given), of one account or all, since the last reset."""
    owner, chosen = user.user_id, year or now().year
    ids = [await _own(session, owner, account_id)] if account_id else await accounts.list_ids(session, owner)
    histories = []
    for account in ids:
        began = await accounts.find_reset(session, owner, account)
        bookings = await history.list_bookings(session, owner, Wanted(account_id=account, since=began))
        histories.append((account, bookings))
    sales = await asyncio.to_thread(sales_of, histories, chosen, method)
    dividends = await exports.list_dividends(session, owner, ids, chosen)
    return TaxShown(
        year=chosen,
        method=method,
        totals=[TotalShown.model_validate(total) for total in totals_of((sale for _, sale in sales), dividends)],
        sales=[_sale(account, sale) for account, sale in sales],
    )


@router.get(
    "/portfolio/export/{table}",
    response_class=Response,
    responses={
        200: {"content": {media: {} for media, _ in FORMATS.values()}, "description": "The file"},
        **responses(AccountNotFound, ExportTooLarge),
    },
)
async def get_portfolio_export(
    table: Literal["executions", "ledger", "history"],
    session: OwnedSession,
    user: CurrentUser,
    days: Annotated[Days, Depends(_days)],
    account_id: UUID | None = None,
    file_format: Annotated[TableFormat, Query(alias="format")] = "csv",
) -> Response:
    """Export a table as CSV or Parquet, oldest first; days are UTC and both included."""
    account = await _own(session, user.user_id, account_id) if account_id else None
    wanted = exports.Wanted(table, account, days.since, days.until)
    rows = await exports.list_rows(session, user.user_id, wanted)
    if len(rows) > exports.ROWS_MAX:
        raise ExportTooLarge(f"More than {exports.ROWS_MAX:,} rows: export less at once, with `from` and `to`.")
    media, body = await asyncio.to_thread(file_of, rows, file_format)
    name = f'attachment; filename="{table}.{file_format}"'
    return Response(body, media_type=media, headers={"Content-Disposition": name})


def _sale(account_id: AccountId, sale: Sold) -> SaleShown:
    return SaleShown(
        account_id=account_id,
        symbol=sale.symbol,
        currency=sale.currency,
        quantity=sale.quantity,
        price=sale.price,
        proceeds=sale.proceeds,
        cost=sale.cost,
        fee=sale.fee,
        tax=sale.tax,
        profit=sale.profit,
        trade_date=sale.on,
        settlement_date=sale.settles_on,
        held_since=sale.held_since,
    )


async def _own(session: OwnedSession, owner: UUID, account_id: UUID) -> AccountId:
    if await accounts.find(session, owner, AccountId(account_id)) is None:
        raise AccountNotFound("You have no account of this id.")
    return AccountId(account_id)

"""Executions: every fill, newest first; the history of trades is the same, narrowed by instrument and time."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from kit.auth import CurrentUser
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED
from kit.money import Money
from kit.pagination import Page, PageQuery, PageRequest, encode_cursor
from pydantic import AwareDatetime, BaseModel, ConfigDict
from quant.markets.listing import Currency, Side

from trading.api.cursors import time_and_text_of
from trading.api.types import SymbolCode
from trading.domain.request import AccountId, OrderId
from trading.store import executions
from trading.store.executions import Wanted

router = APIRouter(prefix="/api/v1/trading", tags=["trading"], responses=AUTHENTICATED)


class ExecutionShown(BaseModel):
    """A fill, with the profit it realised."""

    model_config = ConfigDict(from_attributes=True)

    execution_id: str
    order_id: UUID
    account_id: UUID
    symbol: str
    side: Side
    quantity: Money
    price: Money
    fee: Money
    tax: Money
    realized_profit: Money
    currency: Currency
    trade_date: date
    settlement_date: date
    executed_at: datetime


@router.get("/executions")
async def get_executions(
    session: OwnedSession,
    user: CurrentUser,
    page: PageRequest,
    account_id: UUID | None = None,
    order_id: UUID | None = None,
) -> Page[ExecutionShown]:
    """List executions, newest first."""
    account, order = AccountId(account_id) if account_id else None, OrderId(order_id) if order_id else None
    return await _page(session, user.user_id, Wanted(account_id=account, order_id=order), page)


def _wanted(
    account_id: UUID | None = None,
    symbol: SymbolCode | None = None,
    side: Side | None = None,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
) -> Wanted:
    account = AccountId(account_id) if account_id else None
    return Wanted(account_id=account, symbol=symbol, side=side, since=since, until=until)


@router.get("/history")
async def get_history(
    session: OwnedSession, user: CurrentUser, page: PageRequest, wanted: Annotated[Wanted, Depends(_wanted)]
) -> Page[ExecutionShown]:
    """List trades, newest first, of one account, instrument, side or time (`from` up to, but not, `to`)."""
    return await _page(session, user.user_id, wanted, page)


async def _page(session: OwnedSession, owner: UUID, wanted: Wanted, page: PageQuery) -> Page[ExecutionShown]:
    before = time_and_text_of(page.cursor)
    found = await executions.list_page(session, owner, wanted, before=before, limit=page.limit + 1)
    last = found[page.limit - 1] if len(found) > page.limit else None
    more = encode_cursor(last.recorded_at.isoformat(), last.execution_id) if last else None
    return Page(items=[ExecutionShown.model_validate(item) for item in found[: page.limit]], next_cursor=more)

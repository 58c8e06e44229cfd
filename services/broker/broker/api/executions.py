"""GET /broker/executions: everything brokers have executed for the caller, newest first."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from kit.auth import CurrentUser
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED
from kit.money import Money
from kit.pagination import BadCursor, Page, PageRequest, decode_cursor, encode_cursor
from pydantic import BaseModel
from sqlalchemy import Row

from broker.domain.order import OwnerId
from broker.store import executions

router = APIRouter(prefix="/api/v1/broker", tags=["broker"])


class ExecutionOut(BaseModel):
    """Shares that changed hands for one of the caller's orders."""

    execution_id: str
    order_id: UUID
    account_id: UUID
    broker: str
    symbol: str
    market: str
    side: str
    quantity: Money
    price: Money
    fee: Money
    tax: Money
    trade_date: date
    settlement_date: date
    executed_at: datetime


@router.get("/executions", responses=AUTHENTICATED)
async def list_executions(user: CurrentUser, session: OwnedSession, page: PageRequest) -> Page[ExecutionOut]:
    """What brokers reported, as they reported it; trading's own list says what became of it in the ledger."""
    before = _position(page.cursor)
    rows = await executions.list_page(session, OwnerId(user.user_id), before, page.limit + 1)
    shown = rows[: page.limit]
    more = encode_cursor(shown[-1].position) if len(rows) > page.limit else None
    return Page(items=[_out(row) for row in shown], next_cursor=more)


def _position(cursor: str | None) -> int:
    if cursor is None:
        return executions.POSITION_MAX
    position = int(decode_cursor(cursor, (int,))[0])
    if not 0 < position <= executions.POSITION_MAX:
        raise BadCursor("Pass the `next_cursor` of the page before, unchanged.")
    return position


def _out(row: Row[Any]) -> ExecutionOut:
    return ExecutionOut.model_validate(row, from_attributes=True)

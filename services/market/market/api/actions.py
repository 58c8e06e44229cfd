"""Corporate actions: splits and their like, by which earlier prices are adjusted."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Response
from kit.auth import Admin, CurrentUser
from kit.db import PublicSession, SystemSession
from kit.errors import AUTHENTICATED, responses
from kit.money import Money
from kit.pagination import Page
from pydantic import BaseModel, ConfigDict, Field

from market.api.types import SymbolPath
from market.domain.adjustment import ActionKind, CorporateAction
from market.errors import ActionNotFound, StockNotFound
from market.store import actions
from market.usecases.record_action import record_action

FACTOR_MAX = Decimal(10_000)

router = APIRouter(prefix="/api/v1/market", tags=["market"])

Factor = Annotated[Money, Field(gt=0, le=FACTOR_MAX, examples=["0.02"])]


class ActionIn(BaseModel):
    """A split of one into fifty has a price factor of 0.02 and a volume factor of 50."""

    model_config = ConfigDict(extra="forbid")

    ex_day: Annotated[date, Field(description="The first day at the new price", examples=["2018-05-04"])]
    kind: ActionKind
    price_factor: Factor
    volume_factor: Factor


class ActionView(BaseModel):
    """A corporate action."""

    model_config = ConfigDict(from_attributes=True)

    symbol: str
    ex_day: date
    kind: ActionKind
    price_factor: Money
    volume_factor: Money
    source: str


@router.get("/corporate-actions/{symbol}", responses=AUTHENTICATED)
async def list_actions(_user: CurrentUser, session: PublicSession, symbol: SymbolPath) -> Page[ActionView]:
    """List a symbol's corporate actions, oldest first."""
    found = await actions.list_of(session, symbol)
    return Page(items=[ActionView.model_validate(action) for action in found], next_cursor=None)


@router.put("/corporate-actions/{symbol}", responses={**AUTHENTICATED, **responses(StockNotFound)})
async def put_action(_admin: Admin, session: SystemSession, symbol: SymbolPath, body: ActionIn) -> ActionView:
    """Record a corporate action; one of the same kind and day is replaced. Charts of earlier days change at once."""
    action = CorporateAction(symbol=symbol, source="admin", **body.model_dump())
    await record_action(session, action)
    return ActionView.model_validate(action)


@router.delete(
    "/corporate-actions/{symbol}/{ex_day}/{kind}",
    status_code=204,
    responses={**AUTHENTICATED, **responses(StockNotFound, ActionNotFound)},
)
async def delete_action(
    _admin: Admin, session: SystemSession, symbol: SymbolPath, ex_day: date, kind: ActionKind
) -> Response:
    """Take a corporate action back."""
    gone = CorporateAction(symbol, ex_day, kind, Decimal(1), Decimal(1), "admin")
    await record_action(session, gone, withdrawn=True)
    return Response(status_code=204)

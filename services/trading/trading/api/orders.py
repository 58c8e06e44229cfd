"""Orders: place, preview, look, cancel; and their executions."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from kit.auth import CurrentUser
from kit.clock import now
from kit.db import OwnedSession
from kit.errors import AUTHENTICATED, responses
from kit.ids import new_id
from kit.money import Money
from kit.pagination import Page, PageRequest, encode_cursor
from pydantic import BaseModel, ConfigDict, model_validator
from quant.markets.listing import Board, Currency, Kind, Market, Side, currency_of
from quant.markets.symbols import normalise

from trading.api.cursors import id_of, time_and_text_of
from trading.api.types import ClientOrderId, OpenResources, Price, Quantity, SymbolCode
from trading.domain.order import Order, Status
from trading.domain.request import (
    AccountId,
    Denied,
    OrderId,
    OrderRequest,
    OrderType,
    Reason,
    TimeInForce,
    Venue,
)
from trading.errors import AccountNotFound, ClientOrderIdReused, OrderDenied, OrderNotFound, OrderNotOpen
from trading.store import executions, orders
from trading.usecases.cancel_order import cancel_order
from trading.usecases.place_order import place_order
from trading.usecases.preview_order import preview_order

REPLAYED = {"Idempotency-Replayed": "true"}

router = APIRouter(prefix="/api/v1/trading", tags=["trading"], responses=AUTHENTICATED)


class PlaceOrder(BaseModel):
    """An order. The same `client_order_id` with the same body again gets the order that is there."""

    model_config = ConfigDict(extra="forbid")

    account_id: UUID
    client_order_id: ClientOrderId | None = None
    symbol: SymbolCode
    side: Side
    order_type: OrderType
    quantity: Quantity
    limit_price: Price | None = None
    stop_price: Price | None = None
    time_in_force: TimeInForce = "day"
    venue: Venue | None = None

    @model_validator(mode="after")
    def _prices_fit_the_type(self) -> "PlaceOrder":
        if self.order_type == "limit" and self.limit_price is None:
            raise ValueError("a limit order needs a limit_price")
        if self.order_type == "market" and self.limit_price is not None:
            raise ValueError("a market order has no limit_price")
        if self.order_type in {"market", "limit"} and self.stop_price is not None:
            raise ValueError(f"a {self.order_type} order has no stop_price")
        market = normalise(self.symbol).market
        if self.venue not in {None, market}:
            raise ValueError(f"{self.symbol} trades at venue {market}")
        return self

    def request(self, order_id: OrderId) -> OrderRequest:
        """The request in the domain's words; without a client's id, ours serves as one."""
        market = normalise(self.symbol).market
        return OrderRequest(
            id=order_id,
            account_id=AccountId(self.account_id),
            client_order_id=self.client_order_id or str(order_id),
            symbol=self.symbol,
            market=market,
            venue=market,
            currency=currency_of(market),
            side=self.side,
            order_type=self.order_type,
            quantity=self.quantity,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            time_in_force=self.time_in_force,
        )


class OrderShown(BaseModel):
    """An order. `reason` is the published one of a denial, or the broker's code; `detail` explains it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    account_id: UUID
    client_order_id: str
    symbol: str
    market: Market
    board: Board | None
    kind: Kind | None
    venue: Venue
    currency: Currency
    side: Side
    order_type: OrderType
    quantity: Money
    limit_price: Money | None
    stop_price: Money | None
    time_in_force: TimeInForce
    status: Status
    filled_quantity: Money
    remaining_quantity: Money
    average_price: Money | None
    fee: Money
    tax: Money
    reason: str | None
    detail: str | None
    created_at: datetime
    updated_at: datetime


class EstimateShown(BaseModel):
    """What an order would cost if all of it were filled at `price`; `hold` is set aside: cash, or shares of a sale."""

    model_config = ConfigDict(from_attributes=True)

    price: Money
    value: Money
    fee: Money
    tax: Money
    hold: Money


class PreviewShown(BaseModel):
    """The verdict an order would get now: an estimate when approved, a reason when denied."""

    verdict: Literal["approved", "denied"]
    currency: Currency
    reason: Reason | None
    detail: str | None
    estimate: EstimateShown | None


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


@router.post(
    "/orders",
    status_code=201,
    responses={
        200: {"model": OrderShown, "description": "The same request came before (`Idempotency-Replayed: true`)"},
        **responses(AccountNotFound, ClientOrderIdReused, OrderDenied),
    },
)
async def post_order(body: PlaceOrder, user: CurrentUser, resources: OpenResources, response: Response) -> OrderShown:
    """Place an order. A denied one is kept, and the error names it."""
    quote = await resources.quotes.find(body.symbol)
    request = body.request(OrderId(new_id()))
    # The transaction ends here and not with the request: a denial is an error to the client and a fact to be kept.
    async with resources.database.owned(user.user_id) as session:
        placed = await place_order(session, user.user_id, request, quote, resources.limits, now())
    if placed.order.status is Status.DENIED:
        raise OrderDenied(placed.order, replayed=placed.replayed)
    if placed.replayed:
        response.status_code = 200
        response.headers.update(REPLAYED)
    return OrderShown.model_validate(placed.order)


@router.post("/orders/preview", responses=responses(AccountNotFound))
async def post_order_preview(body: PlaceOrder, user: CurrentUser, resources: OpenResources) -> PreviewShown:
    """Say what placing this order now would lead to; nothing is sent or stored."""
    quote = await resources.quotes.find(body.symbol)
    request = body.request(OrderId(new_id()))
    async with resources.database.owned(user.user_id) as session:
        outcome = await preview_order(session, user.user_id, request, quote, resources.limits, now())
    if isinstance(outcome, Denied):
        reason, detail, estimate = outcome.reason, outcome.detail, None
    else:
        reason, detail, estimate = None, None, EstimateShown.model_validate(outcome)
    verdict: Literal["approved", "denied"] = "approved" if estimate else "denied"
    return PreviewShown(verdict=verdict, currency=request.currency, reason=reason, detail=detail, estimate=estimate)


def _wanted(
    account_id: UUID | None = None, status: Status | None = None, symbol: SymbolCode | None = None
) -> orders.Wanted:
    return orders.Wanted(account_id=AccountId(account_id) if account_id else None, status=status, symbol=symbol)


@router.get("/orders")
async def get_orders(
    session: OwnedSession,
    user: CurrentUser,
    page: PageRequest,
    wanted: Annotated[orders.Wanted, Depends(_wanted)],
) -> Page[OrderShown]:
    """List orders, newest first."""
    before = id_of(page.cursor)
    found = await orders.list_page(session, user.user_id, wanted, before=before, limit=page.limit + 1)
    more = encode_cursor(str(found[page.limit - 1].id)) if len(found) > page.limit else None
    return Page(items=[OrderShown.model_validate(order) for order in found[: page.limit]], next_cursor=more)


@router.get("/orders/by-client-id/{client_order_id}", responses=responses(OrderNotFound))
async def get_order_by_client_id(
    client_order_id: ClientOrderId, session: OwnedSession, user: CurrentUser
) -> OrderShown:
    """Show the order of a client id."""
    return _shown(await orders.find_by_client_id(session, user.user_id, client_order_id))


@router.get("/orders/{order_id}", responses=responses(OrderNotFound))
async def get_order(order_id: UUID, session: OwnedSession, user: CurrentUser) -> OrderShown:
    """Show an order."""
    return _shown(await orders.find(session, user.user_id, OrderId(order_id)))


@router.delete(
    "/orders/{order_id}",
    status_code=202,
    responses={
        200: {"model": OrderShown, "description": "It is canceled already"},
        **responses(OrderNotFound, OrderNotOpen),
    },
)
async def delete_order(order_id: UUID, session: OwnedSession, user: CurrentUser, response: Response) -> OrderShown:
    """Ask for an order's cancel. It is `pending_cancel` until the broker answers; a fill may still come first."""
    order = await cancel_order(session, user.user_id, OrderId(order_id), now())
    if order.status is Status.CANCELED:
        response.status_code = 200
    return OrderShown.model_validate(order)


@router.get("/executions")
async def get_executions(
    session: OwnedSession,
    user: CurrentUser,
    page: PageRequest,
    account_id: UUID | None = None,
    order_id: UUID | None = None,
) -> Page[ExecutionShown]:
    """List executions, newest first."""
    found = await executions.list_page(
        session,
        user.user_id,
        before=time_and_text_of(page.cursor),
        limit=page.limit + 1,
        account_id=AccountId(account_id) if account_id else None,
        order_id=OrderId(order_id) if order_id else None,
    )
    last = found[page.limit - 1] if len(found) > page.limit else None
    more = encode_cursor(last.recorded_at.isoformat(), last.execution_id) if last else None
    return Page(items=[ExecutionShown.model_validate(item) for item in found[: page.limit]], next_cursor=more)


def _shown(order: Order | None) -> OrderShown:
    if order is None:
        raise OrderNotFound("You have no such order.")
    return OrderShown.model_validate(order)

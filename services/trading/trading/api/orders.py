"""Orders: place, preview, look, replace, cancel."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from kit.auth import CurrentUser, Identity
from kit.clock import now
from kit.db import OwnedSession, Session
from kit.errors import AUTHENTICATED, Forbidden, answer, responses
from kit.ids import new_id
from kit.pagination import Page, PageRequest, encode_cursor
from pydantic import AwareDatetime
from quant.markets.listing import currency_of
from quant.markets.symbols import normalise

from trading.api.cursors import id_of
from trading.api.idempotency import REPLAYED, IdempotentRoute
from trading.api.live import REAL_MONEY
from trading.api.order_shapes import (
    CanceledShown,
    ClosePosition,
    EstimateShown,
    OrderShown,
    PlaceOrder,
    PreviewShown,
    ReplaceOrder,
)
from trading.api.types import ClientOrderId, OpenResources, SymbolCode
from trading.domain.limits import Limits
from trading.domain.order import Order, Status
from trading.domain.quote import Quote
from trading.domain.request import AccountId, Denied, OrderId, OrderRequest
from trading.errors import (
    AccountNotFound,
    ClientOrderIdReused,
    KeyReused,
    KeyUnusable,
    NothingToClose,
    OrderDenied,
    OrderNotFound,
    OrderNotOpen,
    OrderNotReplaceable,
    ReplaceDenied,
    ReplacementInvalid,
    StillRunning,
)
from trading.store import orders
from trading.usecases.cancel_order import cancel_order
from trading.usecases.cancel_orders import cancel_orders
from trading.usecases.close_position import close_position
from trading.usecases.place_in_account import Placed
from trading.usecases.place_order import place_order
from trading.usecases.preview_order import preview_order
from trading.usecases.put_question import Asked
from trading.usecases.replace_order import Change, replace_order

PAPER_MONEY, DAILY_TRADES = "paper", "daily_trades"
"""What a token calls permissions and figures."""

router = APIRouter(
    prefix="/api/v1/trading",
    tags=["trading"],
    responses=AUTHENTICATED | responses(KeyUnusable, KeyReused, StillRunning),
    route_class=IdempotentRoute,
)


@dataclass(frozen=True, slots=True)
class Basis:
    """What an order is judged by: the newest quote, and the bounds for the person who asks."""

    quote: Quote | None
    limits: Limits


# These ask Redis, so they come before the session in a route's parameters: no transaction is open while they wait.


async def _basis_of_body(body: PlaceOrder, user: CurrentUser, resources: OpenResources) -> Basis:
    return await basis_of(body.symbol, user, resources)


async def _basis_of_order(order_id: UUID, user: CurrentUser, resources: OpenResources) -> Basis:
    async with resources.database.owned(user.user_id) as session:
        order = await orders.find(session, user.user_id, OrderId(order_id))
    if order is None:
        raise OrderNotFound("You have no such order.")
    return await basis_of(order.symbol, user, resources)


async def _basis_of_symbol(symbol: SymbolCode, user: CurrentUser, resources: OpenResources) -> Basis:
    return await basis_of(symbol, user, resources)


async def basis_of(symbol: str, user: CurrentUser, resources: OpenResources) -> Basis:
    """The newest quote of a symbol, and the bounds for somebody who may trade at all."""
    if not user.permissions & {PAPER_MONEY, REAL_MONEY}:
        raise Forbidden("You may trade with neither paper nor real money: ask the operator for the permission.")
    limits = replace(
        resources.limits,
        live_permitted=REAL_MONEY in user.permissions,
        person_trades_max=user.limits.get(DAILY_TRADES),
    )
    return Basis(await resources.quotes.find(symbol), limits)


PLACED: dict[int | str, dict[str, Any]] = {
    200: {"model": OrderShown, "description": "The same request came before (`Idempotency-Replayed: true`)"}
}


@router.post(
    "/orders",
    status_code=201,
    response_model=OrderShown,
    responses=PLACED | responses(AccountNotFound, ClientOrderIdReused, OrderDenied),
)
async def post_order(
    body: PlaceOrder,
    basis: Annotated[Basis, Depends(_basis_of_body)],
    session: OwnedSession,
    user: CurrentUser,
    response: Response,
) -> OrderShown | Response:
    """Place an order. A denied one is kept, and the error names it."""
    return _answered(await place(session, user, body, basis), response)


async def place(session: Session, user: Identity, body: PlaceOrder, basis: Basis) -> Placed:
    """Place what a body asks for; trading.api.straight does so as well."""
    asked = judged_by(basis, body)
    return await place_order(session, user.user_id, asked.request, asked.quote, asked.limits, asked.now)


def judged_by(basis: Basis, body: PlaceOrder) -> Asked:
    """The order that a body asks for, as it is judged now."""
    return Asked(request=body.request(OrderId(new_id())), quote=basis.quote, limits=basis.limits, now=now())


def written(placed: Placed) -> Response:
    """The answer of a placed order, whole: as the framework writes what `post_order` returns."""
    if placed.order.status is Status.DENIED:
        return answer(OrderDenied(placed.order, replayed=placed.replayed))
    status, headers = (200, REPLAYED) if placed.replayed else (201, None)
    shown = OrderShown.model_validate(placed.order).model_dump_json().encode()
    return Response(shown, status, headers, media_type="application/json")


def _answered(placed: Placed, response: Response) -> OrderShown | Response:
    if placed.order.status is Status.DENIED:  # an error to the client, and a fact to be kept: so it is not raised
        return answer(OrderDenied(placed.order, replayed=placed.replayed))
    if placed.replayed:
        response.status_code = 200
        response.headers.update(REPLAYED)
    return OrderShown.model_validate(placed.order)


@router.post("/orders/preview", responses=responses(AccountNotFound))
async def post_order_preview(
    body: PlaceOrder, basis: Annotated[Basis, Depends(_basis_of_body)], session: OwnedSession, user: CurrentUser
) -> PreviewShown:
    """Say what placing this order now would lead to; nothing is sent or stored."""
    request = body.request(OrderId(new_id()))
    outcome = await preview_order(session, user.user_id, request, basis.quote, basis.limits, now())
    if isinstance(outcome, Denied):
        return PreviewShown(
            verdict="denied", currency=request.currency, reason=outcome.reason, detail=outcome.detail, estimate=None
        )
    estimate = EstimateShown.model_validate(outcome)
    return PreviewShown(verdict="approved", currency=request.currency, reason=None, detail=None, estimate=estimate)


@router.post(
    "/positions/{symbol}/close",
    status_code=201,
    response_model=OrderShown,
    responses=PLACED | responses(AccountNotFound, ClientOrderIdReused, NothingToClose, OrderDenied),
)
async def post_position_close(
    symbol: SymbolCode,
    body: ClosePosition,
    basis: Annotated[Basis, Depends(_basis_of_symbol)],
    session: OwnedSession,
    response: Response,
    user: CurrentUser,
) -> OrderShown | Response:
    """Sell at market all shares that are not promised to open sales."""
    request = _market_sale(symbol, body)
    placed = await close_position(session, user.user_id, request, basis.quote, basis.limits, now())
    return _answered(placed, response)


def _market_sale(symbol: str, body: ClosePosition) -> OrderRequest:
    order_id = OrderId(new_id())
    market = normalise(symbol).market
    return OrderRequest(
        id=order_id,
        account_id=AccountId(body.account_id),
        client_order_id=body.client_order_id or str(order_id),
        symbol=symbol,
        market=market,
        venue=market,
        currency=currency_of(market),
        side="sell",
        order_type="market",
        quantity=Decimal(0),  # found under the lock
        limit_price=None,
        stop_price=None,
        time_in_force="day",
    )


def _wanted(
    account_id: UUID | None = None,
    status: Status | None = None,
    symbol: SymbolCode | None = None,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
) -> orders.Wanted:
    account = AccountId(account_id) if account_id else None
    return orders.Wanted(account_id=account, status=status, symbol=symbol, since=since, until=until)


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


@router.patch(
    "/orders/{order_id}",
    status_code=202,
    responses={
        200: {"model": OrderShown, "description": "It waits with us, and was changed at once"},
        **responses(OrderNotFound, OrderNotReplaceable, ReplacementInvalid, ReplaceDenied),
    },
)
async def patch_order(
    order_id: UUID,
    body: ReplaceOrder,
    basis: Annotated[Basis, Depends(_basis_of_order)],
    session: OwnedSession,
    response: Response,
    user: CurrentUser,
) -> OrderShown:
    """Replace an order's terms. It is `pending_replace` until the broker answers; fills may still come on the old."""
    change = Change(
        order_id=OrderId(order_id),
        replace_id=new_id(),
        quantity=body.quantity,
        limit_price=body.limit_price,
        stop_price=body.stop_price,
    )
    order = await replace_order(session, user.user_id, change, basis.quote, basis.limits, now())
    if order.status is Status.HELD:
        response.status_code = 200
    return OrderShown.model_validate(order)


@router.delete("/orders", status_code=202, responses=responses(AccountNotFound))
async def delete_orders(account_id: UUID, session: OwnedSession, user: CurrentUser) -> CanceledShown:
    """Ask for the cancel of every open order of an account."""
    withdrawn = await cancel_orders(session, user.user_id, AccountId(account_id), now())
    return CanceledShown(order_ids=[order.id for order in withdrawn])


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


def _shown(order: Order | None) -> OrderShown:
    if order is None:
        raise OrderNotFound("You have no such order.")
    return OrderShown.model_validate(order)

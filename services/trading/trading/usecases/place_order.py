"""Place an order: review it, then hold its money and submit it, or keep it as denied."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from kit.db import Session
from kit.events import Event, record

from trading.domain import ledger as movements
from trading.domain.account import Account
from trading.domain.limits import Limits
from trading.domain.order import Order, Status, deny, submit
from trading.domain.quote import Quote
from trading.domain.request import Approved, Denied, OrderRequest
from trading.errors import ClientOrderIdReused
from trading.events import BalanceChanged, order_changed, order_submitted
from trading.store import ledger, orders, positions
from trading.usecases.join_stop_loss import join_stop_loss
from trading.usecases.review_order import review_order


@dataclass(frozen=True, slots=True)
class Placed:
    """The order of a client id, and whether it was there already. A denial is an outcome too: it must be committed."""

    order: Order
    replayed: bool


async def place_order(
    session: Session, owner: UUID, request: OrderRequest, quote: Quote | None, limits: Limits, now: datetime
) -> Placed:
    """Place an order once per client id: the same request again gets the order that is there."""
    reviewed = await review_order(session, owner, request, quote, limits, now)
    match reviewed.verdict:
        case Approved() as approved:
            order = submit(approved, now)
        case Denied() as denied:
            order = deny(request, denied, now)
        case _:
            assert_never(reviewed.verdict)
    # The insert itself finds a taken client id: nothing else has been written yet, and the first order wins.
    if not await orders.save_new(session, owner, order):
        return await _earlier(session, owner, request)
    facts = await _hold(session, owner, order, reviewed.account) if order.is_open else [order_changed(order)]
    await record(session, *facts, owner=owner)
    if order.is_open and order.side == "sell" and order.stop_loss_price is not None:
        order = await join_stop_loss(session, owner, order, now)
    return Placed(order, replayed=False)


async def _hold(session: Session, owner: UUID, order: Order, account: Account) -> list[Event]:
    submitted = order_changed(order) if order.status is Status.HELD else order_submitted(order, account)
    if order.side == "sell":
        await positions.save_hold(session, owner, order.account_id, order.symbol, order.held)
        return [submitted]
    balance = await ledger.save(session, owner, movements.hold(order))
    return [submitted, BalanceChanged.of(balance)]


async def _earlier(session: Session, owner: UUID, request: OrderRequest) -> Placed:
    earlier = await orders.find_by_client_id(session, owner, request.client_order_id)
    assert earlier is not None, "orders are never deleted"
    if not earlier.asks_the_same_as(request):
        raise ClientOrderIdReused(f"{request.client_order_id} is the id of another order of yours: choose a new one.")
    return Placed(earlier, replayed=True)

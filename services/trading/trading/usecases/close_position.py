"""Sell what an account has of an instrument, at market: all that is not promised to other sales."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.domain.limits import Limits
from trading.domain.quote import Quote
from trading.domain.request import OrderRequest
from trading.errors import AccountNotFound, NothingToClose
from trading.store import accounts, orders, positions
from trading.usecases.place_in_account import Placed
from trading.usecases.place_order import place_order


async def close_position(
    session: Session, owner: UUID, request: OrderRequest, quote: Quote | None, limits: Limits, now: datetime
) -> Placed:
    """Place a market sale like any other order; the quantity of `request` is found here, under the account's lock."""
    if await accounts.lock_to_trade(session, owner, request.account_id) is None:
        raise AccountNotFound("You have no account of this id.")
    earlier = await orders.find_by_client_id(session, owner, request.client_order_id)
    if earlier is not None:
        return await place_order(session, owner, replace(request, quantity=earlier.quantity), quote, limits, now)
    position = await positions.find(session, owner, request.account_id, request.symbol)
    free = position.quantity - position.held if position else 0
    if position is None or free <= 0:
        raise NothingToClose("No shares of it are free to be sold: open sales may have them. Cancel those first.")
    return await place_order(
        session, owner, replace(request, quantity=position.quantity - position.held), quote, limits, now
    )

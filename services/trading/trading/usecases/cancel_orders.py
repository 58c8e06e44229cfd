"""Cancel the open orders of an account: all, or those of a kind."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from kit.db import Session

from trading.domain.order import Order
from trading.domain.request import AccountId
from trading.errors import AccountNotFound
from trading.store import accounts, orders
from trading.usecases.withdraw_order import withdraw_order


async def cancel_orders(
    session: Session,
    owner: UUID,
    account_id: AccountId,
    now: datetime,
    which: Callable[[Order], bool] = lambda _: True,
    reason: str | None = None,
) -> list[Order]:
    """Withdraw what is open, all in one transaction; return it as it is then."""
    account = await accounts.lock(session, owner, account_id)
    if account is None:
        raise AccountNotFound("You have no account of this id.")
    withdrawn = []
    for seen in await orders.list_open(session, owner, account_id):
        order = await orders.find(session, owner, seen.id)  # an order before it may have ended this one
        if order is not None and order.is_open and which(order):
            withdrawn.append(await withdraw_order(session, owner, account, order, now, reason))
    return withdrawn

"""Cover an execution of an order that its owner placed elsewhere: bring in what it took there and our books lack.

It has happened, whatever we have booked. The correction says so in the ledger, and the next comparison with the broker
finds what else is missing, or was brought in here for nothing.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

import structlog
from kit.db import Session

from trading.domain.order import Order
from trading.domain.request import Execution
from trading.store import accounts, positions
from trading.usecases.correct_account import Correction, Shares, correct_account

ZERO: Final = Decimal(0)

log = structlog.get_logger()


async def cover_stranger(session: Session, owner: UUID, order: Order, execution: Execution, now: datetime) -> bool:
    """Write the correction that an execution of an adopted order needs, once; False where there is enough.

    Shares that are missing for a sale are taken to have cost what they brought: no profit is claimed that nobody knows.
    """
    released = order.held - order.filled_by(execution, now).held
    cash, shares = ZERO, None
    if order.side == "buy":
        balance = await accounts.find_balance(session, owner, order.account_id, order.currency)
        cash = max(ZERO, execution.value + execution.fee + execution.tax - released - balance.available)
    else:
        position = await positions.find(session, owner, order.account_id, order.symbol)
        free = position.quantity - position.held + released if position else ZERO
        missing = max(ZERO, execution.quantity - free)
        shares = Shares(symbol=order.symbol, quantity=missing, cost=missing * execution.price) if missing else None
    if not cash and shares is None:
        return False
    log.warning("an order placed elsewhere took more than is booked", order=str(order.id), cash=cash, shares=shares)
    correction = Correction(
        id=f"stranger:{execution.execution_id}",
        account_id=order.account_id,
        currency=order.currency,
        cash=cash,
        shares=shares,
    )
    await correct_account(session, owner, correction, now)
    return True

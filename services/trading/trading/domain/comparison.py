"""Whether an order that a broker was sent is one that was approved, and in these words."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from trading.domain.order import Order, Status
from trading.domain.request import OrderId

NEVER_SENT: Final = frozenset({Status.DENIED, Status.HELD})


@dataclass(frozen=True, slots=True)
class Submit:
    """An order as its broker saw it. The account is text: what came past us may name anything."""

    order_id: OrderId
    owner: UUID | None
    account_id: str
    symbol: str
    side: str
    quantity: Decimal
    limit_price: Decimal | None


def fault_of(seen: Submit, order: Order | None) -> str | None:
    """Say what is wrong with a submit, or None when it was approved just so.

    An order that was replaced may have been seen in its old or its new terms.
    """
    if order is None:
        return "nobody approved it"
    if order.status in NEVER_SENT:
        return f"it is {order.status} and must not have been sent"
    told = (seen.account_id, seen.symbol, seen.side)
    if told != (str(order.account_id), order.symbol, order.side):
        return f"it was sent as {' '.join(told)}, and approved as {order.account_id} {order.symbol} {order.side}"
    quantities = {order.quantity, order.original_quantity, order.replace_quantity}
    prices = {order.limit_price, order.original_limit_price, order.replace_limit_price}
    if seen.quantity not in quantities or (seen.limit_price is not None and seen.limit_price not in prices):
        return f"{seen.quantity:f} at {seen.limit_price} were sent, {order.quantity:f} at {order.limit_price} approved"
    if seen.limit_price is None and order.limit_price is not None:
        return f"it was sent without its limit of {order.limit_price:f}"
    return None

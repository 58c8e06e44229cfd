"""Replacing what an order asks for: held for while it is asked, and true only once the broker says so.

While the answer is awaited the broker may fill the order as it was, and then still replace it. `extra_hold` is enough
for every way that can go.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from quant.fees import Trade, buy_reserve
from quant.markets.listing import minor_unit

from trading.domain.order import NO_REPLACEMENT, ZERO, Happening, Illegal, Order, Status

_AFTER_FILL: Final = {
    Happening.REPLACED: Happening.REPLACED_AFTER_FILL,
    Happening.REPLACE_REJECTED: Happening.REPLACE_REJECTED_AFTER_FILL,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an order shall ask for from now on. `quantity` is the new total, filled shares included."""

    replace_id: UUID
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None = None


def needed_hold(order: Order, quantity: Decimal, price: Decimal | None) -> Decimal:
    """What has to be set aside for shares of an order: cash at this price with the fee for a buy, shares for a sale."""
    if order.side == "sell" or price is None or quantity <= 0:
        return max(ZERO, quantity)
    assert order.board is not None and order.kind is not None, "only a judged order holds anything"  # noqa: PT018
    trade = Trade(
        market=order.market,
        board=order.board,
        kind=order.kind,
        side="buy",
        quantity=quantity,
        price=price,
        trade_date=order.trading_date or order.created_at.date(),
    )
    return buy_reserve(trade)


def extra_hold(order: Order, terms: Terms) -> Decimal:
    """What has to be set aside besides `order.held` until the answer comes.

    Say `f` shares are filled at the old price before the rest is replaced. What is then needed beyond the old hold is
    linear in `f`, so it is largest at one of its ends: nothing was filled, or all that old and new have in common. The
    smallest coin on top covers the fee's rounding in between.
    """
    remaining = terms.quantity - order.filled_quantity
    if order.side == "sell":
        return max(ZERO, remaining - order.held)
    price = terms.limit_price or order.reserve_price
    untouched = needed_hold(order, remaining, price) - order.held
    added = remaining - order.remaining_quantity
    fully_filled = needed_hold(order, added, price) if added > 0 else ZERO
    extra = max(untouched, fully_filled)
    return extra + minor_unit(order.currency) if extra > 0 else ZERO


def ask_replace(order: Order, terms: Terms, extra: Decimal, at: datetime) -> Order:
    """Return the order whose replacement is asked of the broker.

    Raises:
        Illegal: when the order's status allows none.
    """
    return replace(
        order,
        status=order.next_status(Happening.REPLACE_REQUESTED),
        held=order.held + extra,
        replace_id=terms.replace_id,
        replace_quantity=terms.quantity,
        replace_limit_price=terms.limit_price,
        replace_held=extra,
        updated_at=at,
    )


def replaced(order: Order, terms: Terms, at: datetime) -> Order:
    """Return the order as the broker has replaced it; an answer to no open question changes nothing.

    Raises:
        Illegal: when fewer shares are asked for than are filled, or the status allows no such answer.
    """
    happening = Happening.REPLACED
    if order.filled_quantity:
        at_end = terms.quantity == order.filled_quantity
        happening = Happening.REPLACED_BY_WHAT_IS_FILLED if at_end else Happening.REPLACED_AFTER_FILL
    status = order.next_status(happening)
    if order.replace_id != terms.replace_id:
        return order
    if terms.quantity < order.filled_quantity:
        raise Illegal(f"order {order.id} has {order.filled_quantity} filled: it cannot ask for {terms.quantity}")
    after = with_terms(order, terms, at)
    return replace(after, status=status) if status is not Status.FILLED else replace(after, status=status).ended()


def replace_rejected(order: Order, replace_id: UUID, detail: str | None, at: datetime) -> Order:
    """Return the order as it was before the question; an answer to no open question changes nothing."""
    happening = Happening.REPLACE_REJECTED
    status = order.next_status(_AFTER_FILL[happening] if order.filled_quantity else happening)
    if order.replace_id != replace_id:
        return order
    held = order.held - order.replace_held
    return replace(order, status=status, held=held, detail=detail, updated_at=at, **NO_REPLACEMENT)


def with_terms(order: Order, terms: Terms, at: datetime) -> Order:
    """Return the order with new terms and a hold that fits them; its first terms are kept beside."""
    price = terms.limit_price if terms.limit_price is not None else order.reserve_price
    needed = needed_hold(order, terms.quantity - order.filled_quantity, price)
    return replace(
        order,
        **_first_terms(order),
        **NO_REPLACEMENT,
        quantity=terms.quantity,
        limit_price=terms.limit_price,
        stop_price=terms.stop_price if terms.stop_price is not None else order.stop_price,
        reserve_price=price if order.side == "buy" else None,
        held=min(order.held, needed),
        updated_at=at,
    )


def _first_terms(order: Order) -> dict[str, Any]:
    if order.original_quantity is not None:
        return {}
    return {
        "original_quantity": order.quantity,
        "original_limit_price": order.limit_price,
        "original_stop_price": order.stop_price,
    }

"""The small exchange of paper trading: our resting orders against the best bid and ask of the market.

Orders of one symbol are served by price, then by arrival. The size shown at the bid and at the ask is used up once;
what is left is returned, so that the next order of the same quote finds it gone. Our orders do not trade with each
other. Nothing here knows the time: the caller decides which orders rest and when a day ends.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final, Literal

from quant.markets.listing import Side

OrderType = Literal["market", "limit"]
TimeInForce = Literal["day", "ioc", "fok"]

_NONE: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Top:
    """The best prices of a market and the shares shown there; None and zero for an empty side."""

    bid: Decimal | None
    bid_size: Decimal
    ask: Decimal | None
    ask_size: Decimal


@dataclass(frozen=True, slots=True)
class RestingOrder:
    """What is open of one order. `sequence` is its place in arrival; `rested` is true once it has waited in the book.

    ValueError when the quantity is not positive, or the limit price is missing or not wanted.
    """

    key: str
    side: Side
    quantity: Decimal
    sequence: int
    limit_price: Decimal | None = None
    order_type: OrderType = "limit"
    time_in_force: TimeInForce = "day"
    rested: bool = False

    def __post_init__(self) -> None:
        if not self.quantity.is_finite() or self.quantity <= 0:
            raise ValueError(f"an open quantity must be positive, not {self.quantity}")
        if (self.order_type == "limit") != (self.limit_price is not None):
            raise ValueError("a limit order has a limit price and a market order has none")


@dataclass(frozen=True, slots=True)
class Fill:
    """Shares traded for one order at one price."""

    key: str
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Round:
    """What one quote did: fills in the order they happened, keys of orders now over unfilled, and the sizes left."""

    fills: tuple[Fill, ...]
    canceled: tuple[str, ...]
    left: Top


def match(order: RestingOrder, top: Top) -> list[Fill]:
    """The fills of one order alone against a quote: none or one."""
    return list(match_all((order,), top).fills)


def match_all(orders: Iterable[RestingOrder], top: Top) -> Round:
    """Serve all open orders of a symbol against one quote, by price then arrival, each side by itself.

    Immediate-or-cancel orders end here with what they got; fill-or-kill orders get everything or nothing. The result
    does not depend on the order in which `orders` are given.
    """
    queue = sorted(orders, key=_priority)
    fills: list[Fill] = []
    canceled: list[str] = []
    for order in queue:
        fill = _fill(order, top)
        if fill is not None:
            fills.append(fill)
            top = _consume(top, order.side, fill.quantity)
        is_done = fill is not None and fill.quantity == order.quantity
        if order.time_in_force != "day" and not is_done:
            canceled.append(order.key)
    return Round(tuple(fills), tuple(canceled), top)


def _priority(order: RestingOrder) -> tuple[str, int, Decimal, int, str]:
    """Sides apart; market orders first, then the most generous limit, then arrival."""
    if order.limit_price is None:
        return (order.side, 0, _NONE, order.sequence, order.key)
    generosity = -order.limit_price if order.side == "buy" else order.limit_price
    return (order.side, 1, generosity, order.sequence, order.key)


def _fill(order: RestingOrder, top: Top) -> Fill | None:
    price, size = (top.ask, top.ask_size) if order.side == "buy" else (top.bid, top.bid_size)
    if price is None or size <= 0 or not _accepts(order, price):
        return None
    quantity = min(size, order.quantity)
    if order.time_in_force == "fok" and quantity < order.quantity:
        return None
    # An order that waited in the book was the offer others took: it trades at its own price, not at the newer quote.
    if order.rested and order.limit_price is not None:
        price = order.limit_price
    return Fill(order.key, price, quantity)


def _accepts(order: RestingOrder, price: Decimal) -> bool:
    if order.limit_price is None:
        return True
    return price <= order.limit_price if order.side == "buy" else price >= order.limit_price


def _consume(top: Top, side: Side, quantity: Decimal) -> Top:
    if side == "buy":
        return replace(top, ask_size=top.ask_size - quantity)
    return replace(top, bid_size=top.bid_size - quantity)

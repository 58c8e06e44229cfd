"""When a stop order's price is reached, and how a trailing stop follows the market."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from quant.markets.ticks import ceil_to_tick, floor_to_tick

from trading.domain.order import Happening, Order
from trading.domain.quote import Quote

HUNDRED: Final = Decimal(100)


def stop_level(order: Order, quote: Quote) -> Decimal:
    """The price at which the order is let go: its own, or the trail behind the best price it has seen."""
    if order.order_type != "trailing_stop":
        assert order.stop_price is not None, "a stop has a stop price"
        return order.stop_price
    assert order.watched_price is not None, "a trailing stop watches from its first quote"
    distance = order.trail_amount
    if distance is None:
        assert order.trail_percent is not None, "a trailing stop has a trail"
        distance = order.watched_price * order.trail_percent / HUNDRED
    if order.side == "sell":
        return floor_to_tick(order.watched_price - distance, quote.board, quote.kind, quote.trading_date)
    return ceil_to_tick(order.watched_price + distance, quote.board, quote.kind, quote.trading_date)


def has_expired(order: Order, quote: Quote) -> bool:
    """Whether the day that a day order waits for is over."""
    if order.time_in_force != "day" or order.trading_date is None:
        return False
    return quote.trading_date > order.trading_date or (quote.trading_date == order.trading_date and quote.is_day_over)


def is_moved_by(order: Order, quote: Quote, at: datetime) -> bool:
    """Whether a quote does anything to an order that waits: ends it, lets it go, or is followed by its trail."""
    if has_expired(order, quote):
        return True
    if not quote.is_regular_session:
        return False
    watched = watch(order, quote, at)
    return watched is not order or is_reached(watched, quote)


def watch(order: Order, quote: Quote, at: datetime) -> Order:
    """Return the trailing stop that has seen this price, or this very order when the price is no better."""
    if order.order_type != "trailing_stop" or order.watched_price is None:
        return order
    better = quote.price > order.watched_price if order.side == "sell" else quote.price < order.watched_price
    return replace(order, watched_price=quote.price, updated_at=at) if better else order


def is_reached(order: Order, quote: Quote) -> bool:
    """Whether the last price has come to the order's level."""
    level = stop_level(order, quote)
    return quote.price <= level if order.side == "sell" else quote.price >= level


def trigger(order: Order, at: datetime) -> Order:
    """Return the order as it goes to the broker.

    Raises:
        Illegal: when it does not wait any more.
    """
    return replace(order, status=order.next_status(Happening.TRIGGERED), triggered_at=at, updated_at=at)

"""A round trip of an automation: from the order that buys to the last one that sells, and the prices that end it."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import NewType
from uuid import UUID

from quant.markets.ticks import ceil_to_tick, floor_to_tick

from trading.domain.automation import AutomationId
from trading.domain.plan import Plan
from trading.domain.quote import Quote
from trading.domain.request import AccountId, OrderId
from trading.domain.signal import SignalKind

TripId = NewType("TripId", UUID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """What an automation has of one symbol. The prices are null until the buy has filled, and where there is no such.

    `peak_price` is the highest price seen since, `bars_held` the closed bars since, that of the buy included.
    """

    id: TripId
    automation_id: AutomationId
    account_id: AccountId
    symbol: str
    entry_order_id: OrderId
    stop_price: Decimal | None = None
    target_price: Decimal | None = None
    trail_price: Decimal | None = None
    peak_price: Decimal | None = None
    bars_held: int = 0
    opened_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What the orders of a trip have come to so far: `spent` before the `fees` of buys, `received` after all costs."""

    bought: Decimal
    sold: Decimal
    spent: Decimal
    received: Decimal
    fees: Decimal
    is_entering: bool
    is_leaving: bool

    @property
    def left(self) -> Decimal:
        """Shares that are still there."""
        return self.bought - self.sold

    @property
    def cash_flow(self) -> Decimal:
        """What it has brought so far; below zero while more was paid."""
        return self.received - self.spent - self.fees

    @property
    def average_price(self) -> Decimal | None:
        """What a share was bought at, before the fee; null before the first fill."""
        return self.spent / self.bought if self.bought else None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left and nothing is under way."""
        return not self.is_entering and not self.is_leaving and self.left == 0


def protect(trip: Trip, plan: Plan, bought_at: Decimal, quote: Quote) -> Trip:
    """The trip with its prices, on the day's grid of ticks, by what it was bought at: as a backtest sets them."""
    board, kind, day = quote.board, quote.kind, quote.trading_date

    def below(fraction: Decimal | None, of: Decimal) -> Decimal | None:
        return None if fraction is None else floor_to_tick(of * (1 - fraction), board, kind, day)

    target = plan.take_profit
    return replace(
        trip,
        stop_price=below(plan.stop_loss, bought_at),
        target_price=None if target is None else ceil_to_tick(bought_at * (1 + target), board, kind, day),
        trail_price=below(plan.trailing_stop, bought_at),
        peak_price=bought_at,
    )


def follow(trip: Trip, plan: Plan, quote: Quote) -> Trip:
    """The trip after it has seen a price: a higher one lifts its trailing stop. The same trip if nothing changes."""
    if plan.trailing_stop is None or trip.peak_price is None or quote.price <= trip.peak_price:
        return trip
    lifted = floor_to_tick(quote.price * (1 - plan.trailing_stop), quote.board, quote.kind, quote.trading_date)
    return replace(trip, peak_price=quote.price, trail_price=max(trip.trail_price or lifted, lifted))


def touched(trip: Trip, price: Decimal) -> SignalKind | None:
    """Which of its prices a quote has come to; stops are looked at before the target."""
    stop, trail = trip.stop_price, trip.trail_price
    if trail is not None and price <= trail and (stop is None or trail > stop):
        return "trailing_stop"
    if stop is not None and price <= stop:
        return "stop_loss"
    if trip.target_price is not None and price >= trip.target_price:
        return "take_profit"
    return None

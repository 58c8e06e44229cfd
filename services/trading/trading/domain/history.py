"""The life of a position, folded from what happened to it: executions, splits, corrections, resets.

Two views of one history. `positions_of` keeps one moving-average cost, as Korean brokers show it; `lots_of` keeps every
purchase apart and sells the oldest first. Fees of a buy belong to the cost in both. What sales realise differs between
them only in time: once nothing is left, both have realised the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from quant.fees import cost_of_part
from quant.markets.listing import Currency, Market, Side

from trading.domain.position import ZERO, Oversold, Position
from trading.domain.request import AccountId

PositionMovement = Literal["split", "cash_in_lieu", "correction", "reset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traded:
    """An execution, as far as shares and their cost go."""

    booked: int
    symbol: str
    market: Market
    currency: Currency
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    tax: Decimal
    on: date
    settles_on: date

    @property
    def cost(self) -> Decimal:
        """What a buy costs in all."""
        return self.quantity * self.price + self.fee + self.tax

    @property
    def proceeds(self) -> Decimal:
        """What a sale brings in the end."""
        return self.quantity * self.price - self.fee - self.tax


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """What changed a position without a trade, as differences; `ratio` is new shares for one old, of a split."""

    booked: int
    symbol: str
    market: Market
    currency: Currency
    movement: PositionMovement
    quantity: Decimal
    cost: Decimal
    realized_profit: Decimal
    ratio: Decimal | None
    on: date


Booking = Traded | Adjusted


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Shares bought together that are still there, and what they cost, fee included."""

    quantity: Decimal
    cost: Decimal
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """A sale and what it realised; `cost` is what its shares had cost, `held_since` the day of the oldest."""

    booked: int
    symbol: str
    currency: Currency
    quantity: Decimal
    price: Decimal
    proceeds: Decimal
    cost: Decimal
    fee: Decimal
    tax: Decimal
    on: date
    settles_on: date
    held_since: date | None

    @property
    def profit(self) -> Decimal:
        """What is left after all costs."""
        return self.proceeds - self.cost


def positions_of(account_id: AccountId, bookings: Iterable[Booking]) -> dict[str, Position]:
    """Fold an account's whole history, in the order it was booked, into its positions."""
    positions: dict[str, Position] = {}
    for booking in bookings:
        position = positions.get(booking.symbol) or Position(
            account_id=account_id, symbol=booking.symbol, market=booking.market, currency=booking.currency
        )
        positions[booking.symbol] = _next(position, booking)
    return positions


def _next(position: Position, booking: Booking) -> Position:
    if isinstance(booking, Adjusted):
        return position.adjusted(booking.quantity, booking.cost, booking.realized_profit)
    if booking.side == "buy":
        return position.bought(booking.quantity, booking.cost)
    return position.sold(booking.quantity, booking.proceeds)


def sales_at_average_cost(account_id: AccountId, bookings: Iterable[Booking]) -> list[Sold]:
    """Every sale of a history with the moving-average cost of what was sold."""
    positions: dict[str, Position] = {}
    sales: list[Sold] = []
    for booking in bookings:
        before = positions.get(booking.symbol) or Position(
            account_id=account_id, symbol=booking.symbol, market=booking.market, currency=booking.currency
        )
        after = _next(before, booking)
        positions[booking.symbol] = after
        if isinstance(booking, Traded) and booking.side == "sell":
            sales.append(_sold(booking, before.cost - after.cost, None))
    return sales


def sales_from_oldest_lots(bookings: Iterable[Booking]) -> list[Sold]:
    """Every sale of a history with the cost of the oldest shares there were."""
    return _walk(bookings)[1]


def lots_of(bookings: Iterable[Booking]) -> dict[str, list[Lot]]:
    """What is left of every purchase, oldest first, by symbol."""
    return {symbol: lots for symbol, lots in _walk(bookings)[0].items() if lots}


def _walk(bookings: Iterable[Booking]) -> tuple[dict[str, list[Lot]], list[Sold]]:
    lots: dict[str, list[Lot]] = {}
    sales: list[Sold] = []
    for booking in bookings:
        mine = lots.setdefault(booking.symbol, [])
        if isinstance(booking, Adjusted):
            lots[booking.symbol] = _adjusted(mine, booking)
        elif booking.side == "buy":
            mine.append(Lot(quantity=booking.quantity, cost=booking.cost, on=booking.on))
        else:
            since = mine[0].on if mine else None
            lots[booking.symbol], cost = _taken(mine, booking.quantity)
            sales.append(_sold(booking, cost, since))
    return lots, sales


def _adjusted(lots: list[Lot], entry: Adjusted) -> list[Lot]:
    if entry.movement == "reset":
        return []
    if entry.ratio is not None:
        return [replace(lot, quantity=lot.quantity * entry.ratio) for lot in lots]
    if entry.quantity < ZERO:
        return _taken(lots, -entry.quantity)[0]
    if entry.quantity > ZERO:
        return [*lots, Lot(quantity=entry.quantity, cost=entry.cost, on=entry.on)]
    return lots


def _taken(lots: Sequence[Lot], quantity: Decimal) -> tuple[list[Lot], Decimal]:
    """Take shares from the oldest lots; return what is left, and the cost of what was taken."""
    left, cost = list(lots), ZERO
    while quantity > ZERO:
        if not left:
            raise Oversold(f"{quantity} more shares were sold than bought")
        lot = left.pop(0)
        if lot.quantity <= quantity:
            quantity, cost = quantity - lot.quantity, cost + lot.cost
            continue
        part = cost_of_part(lot.cost, quantity, lot.quantity)
        left.insert(0, replace(lot, quantity=lot.quantity - quantity, cost=lot.cost - part))
        quantity, cost = ZERO, cost + part
    return left, cost


def _sold(sale: Traded, cost: Decimal, since: date | None) -> Sold:
    return Sold(
        booked=sale.booked,
        symbol=sale.symbol,
        currency=sale.currency,
        quantity=sale.quantity,
        price=sale.price,
        proceeds=sale.proceeds,
        cost=cost,
        fee=sale.fee,
        tax=sale.tax,
        on=sale.on,
        settles_on=sale.settles_on,
        held_since=since,
    )

"""Comparing an account with what its broker shows: the broker is right, and nothing is believed at first sight.

What was traded elsewhere and is not booked here yet is no difference: it comes in by executions, as everything does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from quant.markets.listing import Currency, Market, Side

from trading.domain.position import Position
from trading.domain.request import Execution, OrderId

ZERO: Final = Decimal(0)
COSTS_SHARE: Final = Decimal("0.005")
COSTS_LEAST: Final[dict[Currency, Decimal]] = {"KRW": Decimal(1_000), "USD": Decimal(1)}
"""A broker charges a little otherwise than the schedule of fees says, and rounds averages: so much cash is no alarm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedOrder:
    """One order of the broker's list; without an `order_id` it was placed elsewhere."""

    order_id: OrderId | None
    broker_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    filled_quantity: Decimal
    filled_value: Decimal
    is_open: bool
    placed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Shares at the broker."""

    symbol: str
    quantity: Decimal
    average_price: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountReport:
    """An account as its broker shows it; `cash` as if every trade were settled, `executions` are ours since `since`."""

    connection_id: UUID
    market: Market
    currency: Currency
    since: datetime
    read_at: datetime
    cash: Decimal
    holdings: tuple[Holding, ...]
    orders: tuple[ListedOrder, ...]
    executions: tuple[Execution, ...]

    def id_of(self, order: ListedOrder) -> OrderId:
        """Our id of an order, that of a stranger made of the broker's number: the same whenever it is seen."""
        return order.order_id or OrderId(uuid5(self.connection_id, order.broker_order_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """What is booked here of an order: shares and their value."""

    quantity: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What the broker has and we have not, or the other way round when negative. `what` is a symbol or a currency."""

    what: str
    here: Decimal
    there: Decimal

    @property
    def amount(self) -> Decimal:
        """What is missing here."""
        return self.there - self.here

    @property
    def line(self) -> str:
        """The difference in one line, by which it is known again."""
        return f"{self.what}: {self.here.normalize():f} here, {self.there.normalize():f} at the broker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What came of a comparison. `costs` is cash that the broker charged otherwise: too little for an alarm."""

    shares: tuple[Difference, ...]
    cash: Difference | None
    costs: Decimal

    @property
    def differences(self) -> tuple[Difference, ...]:
        """All of them."""
        return self.shares if self.cash is None else (*self.shares, self.cash)

    @property
    def lines(self) -> tuple[str, ...]:
        """All of them in lines."""
        return tuple(difference.line for difference in self.differences)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last comparison that said something new had found, and when."""

    differences: tuple[str, ...]
    seen_at: datetime


class Verdict(StrEnum):
    """What follows from a comparison."""

    OPENING = "opening"
    """The first one: what the broker has is what the account begins with."""
    AGREED = "agreed"
    MISMATCHED = "mismatched"
    """Differences that were not seen before: no new exposure, and somebody is told."""
    CONFIRMED = "confirmed"
    """The same ones again, in another reading: the broker is right."""


def judge(earlier: Seen | None, compared: Compared) -> Verdict:
    """Say what follows, given what the last comparison had found."""
    if earlier is None:
        return Verdict.OPENING
    if not compared.lines:
        return Verdict.AGREED
    return Verdict.CONFIRMED if earlier.differences == compared.lines else Verdict.MISMATCHED


def is_overtaken(report: AccountReport, booked: Mapping[OrderId, Booked]) -> bool:
    """Whether more is booked here than the report knew of: a newer one is on its way."""
    nothing = Booked(quantity=ZERO, value=ZERO)
    return any(booked.get(report.id_of(order), nothing).quantity > order.filled_quantity for order in report.orders)


def compare(
    report: AccountReport, booked: Mapping[OrderId, Booked], positions: Sequence[Position], cash: Decimal
) -> Compared:
    """Compare shares and cash, counting what is traded at the broker and still to be booked here.

    Args:
        report: what the broker shows.
        booked: what is booked of the orders in it.
        positions: the account's, those sold out included.
        cash: the account's in the report's currency, as if every trade were settled.
    """
    shares = {position.symbol: position.quantity for position in positions if position.currency == report.currency}
    coming, traded = ZERO, sum((execution.value for execution in report.executions), ZERO)
    for order in report.orders:
        known = booked.get(report.id_of(order), Booked(quantity=ZERO, value=ZERO))
        sign = 1 if order.side == "buy" else -1
        value = order.filled_value - known.value
        shares[order.symbol] = shares.get(order.symbol, ZERO) + sign * (order.filled_quantity - known.quantity)
        coming -= sign * value
        traded += abs(value)
    there = {holding.symbol: holding.quantity for holding in report.holdings}
    found = tuple(
        Difference(what=symbol, here=shares.get(symbol, ZERO), there=there.get(symbol, ZERO))
        for symbol in sorted({*shares, *there})
        if shares.get(symbol, ZERO) != there.get(symbol, ZERO)
    )
    money = Difference(what=report.currency, here=cash + coming, there=report.cash)
    if abs(money.amount) > COSTS_LEAST[report.currency] + traded * COSTS_SHARE:
        return Compared(shares=found, cash=money, costs=ZERO)
    return Compared(shares=found, cash=None, costs=ZERO if coming else money.amount)

"""Bounds of orders that paper, live and backtests ask alike: each check says why not, or nothing.

They fail closed: a bound whose measure is not known is a refusal.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal, Protocol

from quant.markets.listing import Currency, Side

ZERO: Final = Decimal(0)
MISSING: Final = "A limit is set for {what}, and what it is measured by is not known: nothing is sent."

Why = Literal[
    "restricted_symbol",
    "fat_finger_quantity",
    "fat_finger_value",
    "open_order_limit",
    "daily_trade_limit",
    "daily_loss_limit",
    "position_limit",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What one order may be, and what it may add up to with what is there; None is no bound.

    Money is in the order's currency, a weight is a share of 1, `daily_loss_max` is realised loss since midnight.
    """

    quantity_max: Decimal | None = None
    value_max: Mapping[Currency, Decimal] = field(default_factory=dict)
    open_orders_max: int | None = None
    open_value_max: Decimal | None = None
    daily_trades_max: int | None = None
    daily_loss_max: Decimal | None = None
    position_value_max: Decimal | None = None
    position_weight_max: Decimal | None = None
    leverage_max: Decimal | None = None
    restricted_symbols: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """What an account has and did, as far as bounds ask. `invested` is positions at cost, `equity` that and the cash.

    `quantity` is of the order's symbol, `being_bought` what the other open buys of it may cost. `filled` is what is
    filled of the order already, when only other terms are asked for. None is not known.
    """

    open_orders: int
    open_value: Decimal | None = None
    trades_today: int | None = None
    realized_today: Decimal | None = None
    quantity: Decimal = ZERO
    being_bought: Decimal | None = None
    filled: Decimal = ZERO
    invested: Decimal | None = None
    equity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Which bound, by its published name, and a sentence with the figures."""

    why: Why
    detail: str


class Ask(Protocol):
    """An order that is asked about: trading's question of an account, or a backtest's. `price` is what it is judged by.

    A replacement is of an order that is there already, and counts as none of its own.
    """

    @property
    def symbol(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def quantity(self) -> Decimal: ...
    @property
    def price(self) -> Decimal: ...
    @property
    def value(self) -> Decimal: ...
    @property
    def currency(self) -> Currency: ...
    @property
    def is_replacement(self) -> bool: ...
    @property
    def limits(self) -> Bounds: ...
    @property
    def standing(self) -> Stand: ...


Check = Callable[[Ask], Refusal | None]


def symbol_is_not_restricted(ask: Ask) -> Refusal | None:
    if ask.symbol in ask.limits.restricted_symbols:
        return Refusal("restricted_symbol", f"{ask.symbol} is on your list of restricted symbols.")
    return None


def quantity_is_no_slip(ask: Ask) -> Refusal | None:
    most = ask.limits.quantity_max
    if most is not None and ask.quantity > most:
        return Refusal("fat_finger_quantity", f"An order may have {most} shares, this one has {ask.quantity:f}.")
    return None


def value_is_no_slip(ask: Ask) -> Refusal | None:
    most = ask.limits.value_max.get(ask.currency)
    if most is not None and ask.value > most:
        detail = f"An order may be worth {most:f} {ask.currency}, this one is worth {ask.value:f}."
        return Refusal("fat_finger_value", detail)
    return None


def open_orders_are_few(ask: Ask) -> Refusal | None:
    most = ask.limits.open_orders_max
    if most is not None and ask.standing.open_orders >= most and not ask.is_replacement:
        return Refusal("open_order_limit", f"An account may have {most} open orders.")
    return None


def open_value_is_bounded(ask: Ask) -> Refusal | None:
    most, there = ask.limits.open_value_max, ask.standing.open_value
    if most is None:
        return None
    if there is None:
        return Refusal("open_order_limit", MISSING.format(what="the value of open orders"))
    if (together := there + open_value_of(ask)) > most:
        detail = f"Open orders may be worth {most:f} {ask.currency}; with this one they are {together:f}."
        return Refusal("open_order_limit", detail)
    return None


def trades_today_are_few(ask: Ask) -> Refusal | None:
    most, done = ask.limits.daily_trades_max, ask.standing.trades_today
    if most is None or ask.is_replacement:
        return None
    if done is None or done >= most:
        return Refusal("daily_trade_limit", f"The limit is {most} orders a day: it is reached.")
    return None


def loss_today_is_bounded(ask: Ask) -> Refusal | None:
    """At the limit only what makes positions smaller is let through."""
    most, realized = ask.limits.daily_loss_max, ask.standing.realized_today
    if most is None or ask.side == "sell":
        return None
    if realized is None:
        return Refusal("daily_loss_limit", MISSING.format(what="today's loss"))
    if -realized >= most:
        detail = f"Today's loss is {-realized:f} {ask.currency}, the limit {most:f}: only sales are taken today."
        return Refusal("daily_loss_limit", detail)
    return None


def position_is_bounded(ask: Ask) -> Refusal | None:
    most = ask.limits.position_value_max
    if most is None or ask.side == "sell":
        return None
    value = _position_after(ask)
    if value is None:
        return Refusal("position_limit", MISSING.format(what="a position's value"))
    if value > most:
        detail = f"A position may be worth {most:f} {ask.currency}; with what is open, this order makes it {value:f}."
        return Refusal("position_limit", detail)
    return None


def position_weighs_little(ask: Ask) -> Refusal | None:
    most, equity = ask.limits.position_weight_max, ask.standing.equity
    if most is None or ask.side == "sell":
        return None
    value = _position_after(ask)
    if equity is None or value is None:
        return Refusal("position_limit", MISSING.format(what="a position's weight"))
    if value > most * equity:
        detail = f"A position may be {most:%} of the account's {equity:f}; this order would make it more."
        return Refusal("position_limit", detail)
    return None


def leverage_is_bounded(ask: Ask) -> Refusal | None:
    most, equity, invested = ask.limits.leverage_max, ask.standing.equity, ask.standing.invested
    if most is None or ask.side == "sell":
        return None
    if equity is None or invested is None or ask.standing.open_value is None:
        return Refusal("position_limit", MISSING.format(what="leverage"))
    exposure = invested + ask.standing.open_value + open_value_of(ask)
    if exposure > most * equity:
        detail = (
            f"Positions and open orders may be {most:f} times the account's {equity:f}; they would be {exposure:f}."
        )
        return Refusal("position_limit", detail)
    return None


def open_value_of(ask: Ask) -> Decimal:
    """What of the order would still be to come is worth, at the price it is judged by."""
    return (ask.quantity - ask.standing.filled) * ask.price


def _position_after(ask: Ask) -> Decimal | None:
    """What the position may come to: its shares and the order's at the order's price, other open buys at their own."""
    there = ask.standing
    if there.being_bought is None:
        return None
    return max(ZERO, there.quantity + ask.quantity - there.filled) * ask.price + there.being_bought


CHECKS: Final[tuple[Check, ...]] = (
    symbol_is_not_restricted,
    quantity_is_no_slip,
    value_is_no_slip,
    open_orders_are_few,
    open_value_is_bounded,
    trades_today_are_few,
    loss_today_is_bounded,
    position_is_bounded,
    position_weighs_little,
    leverage_is_bounded,
)
"""In the sequence in which trading's review asks them, which has others in between; the first refusal is the answer."""


def review(ask: Ask) -> Refusal | None:
    """The first refusal, or None when every bound is kept."""
    return next((refusal for check in CHECKS if (refusal := check(ask)) is not None), None)

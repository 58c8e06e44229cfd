"""What an exchange is asked and what it answers: orders, fills, endings, refusals."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, NamedTuple

from quant.markets.listing import Side

OrderType = Literal["market", "limit"]
TimeInForce = Literal["day", "ioc", "fok", "gtc", "at_open", "at_close"]
EndReason = Literal["canceled", "expired"]
QUANTITY_MAX: Final = Decimal(10) ** 12
PRICE_MAX: Final = Decimal(10) ** 12


@dataclass(slots=True, eq=False)
class Order:
    """What is open of one order; the exchange that holds it counts `quantity` down.

    Attributes:
        quantity: the open quantity; zero once the order is over.
        price: the limit, None for a market order.
        account: orders of one account do not trade with one another; empty for nobody in particular.
        has_rested: it waited in the book, so it was the offer that others took and trades at its own price.
    """

    key: str
    side: Side
    quantity: Decimal
    price: Decimal | None = None
    time_in_force: TimeInForce = "day"
    account: str = ""
    has_rested: bool = False

    def __post_init__(self) -> None:
        if not (self.quantity.is_finite() and 0 < self.quantity < QUANTITY_MAX):
            raise ValueError(f"an open quantity must be positive, not {self.quantity}")
        if self.price is not None and not (self.price.is_finite() and 0 < self.price < PRICE_MAX):
            raise ValueError(f"a limit price must be positive, not {self.price}")

    def accepts(self, price: Decimal) -> bool:
        """Whether the order may trade at this price."""
        if self.price is None:
            return True
        return price <= self.price if self.side == "buy" else price >= self.price


class Fill(NamedTuple):
    """Shares of one order traded at one price. When two of our orders meet, each gets a fill."""

    key: str
    price: Decimal
    quantity: Decimal


class Ended(NamedTuple):
    """What was open of an order will not trade: it was not to wait, met its own account, or its day is over."""

    key: str
    reason: EndReason
    quantity: Decimal


class Refusal(NamedTuple):
    """Why an exchange did not take an order or a change of one; the code is one of trading's published reasons."""

    code: str
    text: str


class Outcome(NamedTuple):
    """What one event did: fills in the order they happened, and orders that ended unfilled."""

    fills: tuple[Fill, ...] = ()
    ended: tuple[Ended, ...] = ()


NOTHING = Outcome()

"""Shares of one instrument at moving-average cost: fees of a buy belong to the cost, those of a sale to the profit."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from quant.fees import cost_of_part
from quant.markets.listing import Currency, Market

from trading.domain.request import AccountId

ZERO: Final = Decimal(0)
PLACES: Final = Decimal("0.00000001")


class Oversold(Exception):
    """More shares were sold than the account has: a human has to look at it."""


def rounded(amount: Decimal) -> Decimal:
    """Return an amount to the 8 places that are stored and shown."""
    return amount.quantize(PLACES).normalize()


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What an account has of one instrument. `held` shares are promised to open sales."""

    account_id: AccountId
    symbol: str
    market: Market
    currency: Currency
    quantity: Decimal = ZERO
    held: Decimal = ZERO
    cost: Decimal = ZERO
    realized_profit: Decimal = ZERO

    @property
    def average_price(self) -> Decimal:
        """What a share has cost on average, shown to 8 places; `cost` is exact."""
        return rounded(self.cost / self.quantity) if self.quantity else ZERO

    def bought(self, quantity: Decimal, cost: Decimal) -> "Position":
        """Return the position with more shares; `cost` includes the fee."""
        return replace(self, quantity=self.quantity + quantity, cost=self.cost + cost)

    def sold(self, quantity: Decimal, proceeds: Decimal) -> "Position":
        """Return the position with fewer shares and the profit made; `proceeds` are what is left after fee and tax.

        The last share takes all cost that is left with it, so nothing is lost to rounding.

        Raises:
            Oversold: when there are not so many shares.
        """
        if quantity > self.quantity:
            raise Oversold(f"account {self.account_id} has {self.quantity} of {self.symbol}, {quantity} were sold")
        cost = cost_of_part(self.cost, quantity, self.quantity)
        return replace(
            self,
            quantity=self.quantity - quantity,
            cost=self.cost - cost,
            realized_profit=self.realized_profit + proceeds - cost,
        )

    def adjusted(self, quantity: Decimal, cost: Decimal, realized_profit: Decimal) -> "Position":
        """Return the position after something that was no trade, such as a split; given as differences."""
        return replace(
            self,
            quantity=self.quantity + quantity,
            cost=self.cost + cost,
            realized_profit=self.realized_profit + realized_profit,
        )

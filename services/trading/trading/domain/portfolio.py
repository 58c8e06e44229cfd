"""What positions are worth at the last price, or at cost where no price is known."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from trading.domain.position import Position, rounded

HUNDREDTH: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Valued:
    """A position with its worth. Without a last price it is worth what it cost, and `valued_at` says so."""

    position: Position
    last_price: Decimal | None

    @property
    def valued_at(self) -> Literal["last_price", "average_price"]:
        """What the market value was reckoned with."""
        return "average_price" if self.last_price is None else "last_price"

    @property
    def market_value(self) -> Decimal:
        """What the shares are worth."""
        if self.last_price is None:
            return rounded(self.position.cost)
        return rounded(self.position.quantity * self.last_price)

    @property
    def unrealized_profit(self) -> Decimal:
        """What they are worth over their cost."""
        return rounded(self.market_value - self.position.cost)

    @property
    def unrealized_percent(self) -> Decimal | None:
        """That as a percentage of the cost, to two places; None when the shares cost nothing."""
        if not self.position.cost:
            return None
        return (100 * self.unrealized_profit / self.position.cost).quantize(HUNDREDTH)

"""Risk limits that a run carries: an account's, copied in by whoever asks.

So the run repeats whatever becomes of the account.
The names are trading's. What it has besides is about seconds and limit prices, and a backtest of days has neither.
"""

from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from typing import Any, Final

from quant.markets.listing import Currency
from quant.risk import Bounds

HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskLimits:
    """Bounds of orders and of what they add up to, in the run's currency; None is no bound."""

    order_quantity_max: Decimal | None = None
    order_value_max: Decimal | None = None
    position_value_max: Decimal | None = None
    position_weight_max_percent: Decimal | None = None
    leverage_max: Decimal | None = None
    daily_loss_max: Decimal | None = None
    daily_trades_max: int | None = None
    open_orders_max: int | None = None
    open_value_max: Decimal | None = None
    restricted_symbols: tuple[str, ...] = ()

    def bounds(self, currency: Currency) -> Bounds:
        """The same for the engine."""
        weight = self.position_weight_max_percent
        return Bounds(
            quantity_max=self.order_quantity_max,
            value_max={} if self.order_value_max is None else {currency: self.order_value_max},
            open_orders_max=self.open_orders_max,
            open_value_max=self.open_value_max,
            daily_trades_max=self.daily_trades_max,
            daily_loss_max=self.daily_loss_max,
            position_value_max=self.position_value_max,
            position_weight_max=None if weight is None else weight / HUNDRED,
            leverage_max=self.leverage_max,
            restricted_symbols=frozenset(self.restricted_symbols),
        )


NO_LIMITS: Final = RiskLimits()
_COUNTS: Final = ("daily_trades_max", "open_orders_max")


def write(limits: RiskLimits) -> dict[str, Any] | None:
    """The limits as JSON, amounts as text; None where there are none."""
    if limits == NO_LIMITS:
        return None
    return {name: format(each, "f") if isinstance(each, Decimal) else each for name, each in asdict(limits).items()}


def read(written: dict[str, Any] | None) -> RiskLimits:
    """The limits that were written."""
    if written is None:
        return NO_LIMITS
    known = dict(written)
    known["restricted_symbols"] = tuple(known["restricted_symbols"])
    for each in fields(RiskLimits):
        if each.name not in {*_COUNTS, "restricted_symbols"} and known[each.name] is not None:
            known[each.name] = Decimal(known[each.name])
    return RiskLimits(**known)

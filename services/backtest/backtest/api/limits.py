"""Risk limits as a run is given them, and the orders they refused."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Self

from kit.money import Money
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from quant.markets.listing import Side
from quant.markets.symbols import SYMBOL_TEXT_MAX, normalise

from backtest.domain.limits import NO_LIMITS, RiskLimits
from backtest.store.results import REFUSED

BOUND_MAX = 1_000_000_000_000
COUNT_MAX = 1_000_000
SYMBOLS_MAX = 500

Bound = Annotated[Money, Field(ge=0, le=BOUND_MAX, examples=["1000000"])]
Restricted = Annotated[
    str,
    Field(min_length=1, max_length=SYMBOL_TEXT_MAX, examples=["005930"]),
    AfterValidator(lambda text: normalise(text).code),
]
Count = Annotated[int, Field(ge=0, le=COUNT_MAX, examples=[100])]


class RunLimits(BaseModel):
    """Bounds that every order of an event-driven run has to keep, by the names and checks of `/trading/risk-limits`.

    Null is no bound, money is in the run's currency. Copy an account's to see what it would have refused; what is about
    seconds or limit prices has no meaning in bars of days and is not taken.
    """

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    order_quantity_max: Bound | None = None
    order_value_max: Bound | None = None
    position_value_max: Bound | None = None
    position_weight_max_percent: Bound | None = None
    leverage_max: Bound | None = None
    daily_loss_max: Bound | None = None
    daily_trades_max: Count | None = None
    open_orders_max: Count | None = None
    open_value_max: Bound | None = None
    restricted_symbols: Annotated[list[Restricted], Field(max_length=SYMBOLS_MAX)] = []

    @classmethod
    def of(cls, limits: RiskLimits) -> Self | None:
        """Show them; None where there are none."""
        return None if limits == NO_LIMITS else cls.model_validate(limits)

    @property
    def limits(self) -> RiskLimits:
        """The same in the domain's words."""
        given = {name: getattr(self, name) for name in RunLimits.model_fields}
        return RiskLimits(**given | {"restricted_symbols": tuple(sorted(set(self.restricted_symbols)))})


class RefusalOut(BaseModel):
    """An order that a limit did not let through: `reason` and `detail` are what paper trading would have answered."""

    date: date
    symbol: str
    side: Side
    quantity: int
    price: Money
    reason: str
    detail: str


class RefusalsOut(BaseModel):
    """How many orders the risk limits refused, and the first 500 of them."""

    count: int
    items: list[RefusalOut]

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> Self:
        """What the details of a result say of it; a run without limits had nothing refused."""
        return cls.model_validate(details.get(REFUSED, {"count": 0, "items": []}))

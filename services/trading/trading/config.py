"""Every setting of this service; the bounds of the risk review are settings, with safe defaults."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from kit.settings import ServiceSettings, settings_config
from pydantic import Field

from trading.domain.limits import Limits

ORDER_VALUE_MAX = 100_000_000_000
ORDER_QUANTITY_MAX = 1_000_000_000


class Settings(ServiceSettings):
    """Environment variables TRADING_…, or files trading_… among the secrets."""

    model_config = settings_config("TRADING_")

    quote_age_max_seconds: Annotated[int, Field(ge=1, le=60)] = 5
    order_quantity_max: Annotated[int, Field(ge=1, le=ORDER_QUANTITY_MAX)] = 1_000_000
    order_value_max_krw: Annotated[int, Field(ge=1, le=ORDER_VALUE_MAX)] = 1_000_000_000
    order_value_max_usd: Annotated[int, Field(ge=1, le=ORDER_VALUE_MAX)] = 1_000_000
    price_distance_max_percent: Annotated[int | None, Field(ge=1, le=1_000)] = 50
    """How much worse than the last price a limit may be; empty for no bound."""
    open_orders_max: Annotated[int, Field(ge=1, le=10_000)] = 1_000

    orders_per_second_max: Annotated[int, Field(ge=1, le=10_000)] = 200
    """How many orders one account may place in a second."""
    duplicate_seconds: Annotated[int, Field(ge=0, le=60)] = 10
    """How long an order without a client_order_id is taken for a slip when its very terms came before."""

    def limits(self) -> Limits:
        """The bounds of the risk review."""
        percent = self.price_distance_max_percent
        return Limits(
            quote_age_max=timedelta(seconds=self.quote_age_max_seconds),
            quantity_max=Decimal(self.order_quantity_max),
            value_max={"KRW": Decimal(self.order_value_max_krw), "USD": Decimal(self.order_value_max_usd)},
            price_distance_max=None if percent is None else Decimal(percent) / 100,
            open_orders_max=self.open_orders_max,
            orders_per_second_max=self.orders_per_second_max,
            duplicate_window=timedelta(seconds=self.duplicate_seconds),
        )

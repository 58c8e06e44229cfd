"""Every setting of this service; the bounds of the risk review are settings, with safe defaults."""

from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from kit.settings import ServiceSettings, StrongSecret, settings_config
from pydantic import Field
from quant.markets.listing import Currency

from trading.domain.limits import Limits

ORDER_VALUE_MAX = 100_000_000_000
ORDER_QUANTITY_MAX = 1_000_000_000


class Settings(ServiceSettings):
    """Environment variables TRADING_…, or files trading_… among the secrets."""

    model_config = settings_config("TRADING_")

    market_url: str
    """Where market answers its neighbours: automations read bars there."""
    auth_url: str
    service_secret: StrongSecret
    """Proves who we are to auth, for a token of our own."""
    benchmark_krw: Annotated[str, Field(max_length=32)] = "KOSPI"
    """What portfolios in won are compared with, when market has bars of it; empty for nothing."""
    benchmark_usd: Annotated[str, Field(max_length=32)] = ""
    live_allowed: bool = False
    """The operator's switch for real money; broker has one of the same name, and without both nothing trades live."""
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

    quote_kept_milliseconds: Annotated[int, Field(ge=0, le=500)] = 50
    """How long an order may be judged by a quote that was read for the order before; its own age counts on."""

    orders_under_way_max: Annotated[int, Field(ge=1, le=10_000)] = 48
    """How many orders one process works on at once; more are told to come again. What there is of them is the wait."""
    orders_waiting_max: Annotated[int, Field(ge=1, le=100_000)] = 5_000
    """About so many accepted orders may wait for their brokers' first word before more are told to come again."""
    others_under_way_max: Annotated[int, Field(ge=1, le=10_000)] = 48
    """The same for everything else but cancels and the kill switch, which are never refused."""

    def benchmarks(self) -> dict[Currency, str]:
        """By currency what courses are compared with, where something is."""
        both: dict[Currency, str] = {"KRW": self.benchmark_krw, "USD": self.benchmark_usd}
        return {currency: symbol for currency, symbol in both.items() if symbol}

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
            live_allowed=self.live_allowed,
        )

"""What a client asks for, and what the risk review makes of it: `Approved` or `Denied`."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal, NewType
from uuid import UUID

from quant.markets.listing import Currency, Market, Side
from quant.markets.sessions import Venue

from trading.domain.quote import Quote

AccountId = NewType("AccountId", UUID)
OrderId = NewType("OrderId", UUID)

OrderType = Literal["market", "limit", "stop", "stop_limit", "trailing_stop"]
TimeInForce = Literal["day", "ioc", "fok", "gtc", "at_open", "at_close"]


class Reason(StrEnum):
    """Why an order was denied: a closed, published list."""

    INSUFFICIENT_CASH = "insufficient_cash"
    INSUFFICIENT_SHARES = "insufficient_shares"
    PRICE_OFF_TICK = "price_off_tick"
    PRICE_OUTSIDE_BAND = "price_outside_band"
    QUANTITY_OFF_LOT = "quantity_off_lot"
    MARKET_CLOSED = "market_closed"
    ORDER_TYPE_NOT_ALLOWED = "order_type_not_allowed"
    STALE_QUOTE = "stale_quote"
    FAT_FINGER_VALUE = "fat_finger_value"
    FAT_FINGER_QUANTITY = "fat_finger_quantity"
    PRICE_TOO_FAR = "price_too_far"
    POSITION_LIMIT = "position_limit"
    DAILY_LOSS_LIMIT = "daily_loss_limit"
    DAILY_TRADE_LIMIT = "daily_trade_limit"
    OPEN_ORDER_LIMIT = "open_order_limit"
    RATE_LIMIT = "rate_limit"
    DUPLICATE_ORDER = "duplicate_order"
    RESTRICTED_SYMBOL = "restricted_symbol"
    TRADING_HALTED = "trading_halted"
    LIVE_NOT_PERMITTED = "live_not_permitted"
    CLOCK_WRONG = "clock_wrong"


STOP_TYPES: Final[frozenset[OrderType]] = frozenset({"stop", "stop_limit", "trailing_stop"})
"""Orders that wait with us until the market reaches their price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """An order as asked for. Two requests are the same one when everything but our own `id` is equal.

    A trailing stop follows the best price at a distance: `trail_amount`, or `trail_percent` of it. A buy with
    `take_profit_price` or `stop_loss_price` is a bracket: they sell what it bought. A limit sale with `stop_loss_price`
    is one of two orders of which one cancels the other, and so is a limit buy with `oco_stop_price`: the other buys
    when the price rises to it, at `oco_stop_limit_price` or at market. With a `strategy_id` the strategy's limits and
    halts hold too.
    """

    id: OrderId
    account_id: AccountId
    client_order_id: str
    symbol: str
    market: Market
    venue: Venue
    currency: Currency
    side: Side
    order_type: OrderType
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    time_in_force: TimeInForce
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    take_profit_price: Decimal | None = None
    stop_loss_price: Decimal | None = None
    stop_loss_limit_price: Decimal | None = None
    oco_stop_price: Decimal | None = None
    oco_stop_limit_price: Decimal | None = None
    strategy_id: UUID | None = None

    @property
    def is_stop(self) -> bool:
        """Whether it waits with us for its price before it goes to the broker."""
        return self.order_type in STOP_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What is set aside for an order: cash for a buy, reckoned at `price` a share plus the fee; shares for a sale."""

    price: Decimal | None
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """A request that passed every check of `risk.review`, the only place that makes one; only this can be submitted."""

    request: OrderRequest
    quote: Quote
    hold: Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """A request that failed a check: the published reason, and a sentence with the figures."""

    reason: Reason
    detail: str
    quote: Quote | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A fill as the broker reports it. Its id is the broker's and stable: the same fill has the same id forever."""

    execution_id: str
    order_id: OrderId
    account_id: AccountId
    quantity: Decimal
    price: Decimal
    fee: Decimal
    tax: Decimal
    trade_date: date
    settlement_date: date
    executed_at: datetime

    @property
    def value(self) -> Decimal:
        """The shares at their price, before fee and tax."""
        return self.quantity * self.price

"""What crosses the wire about orders: requests, bounded and checked for sense, and what is shown."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from kit.money import Money, decimal_from, decimal_text
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema, model_validator
from quant.markets.listing import Board, Currency, Kind, Market, Side, currency_of
from quant.markets.sessions import Venue
from quant.markets.symbols import normalise

from trading.api.types import ClientOrderId, Price, Quantity, SymbolCode
from trading.domain.order import Status
from trading.domain.request import STOP_TYPES, AccountId, OrderId, OrderRequest, OrderType, Reason, TimeInForce

TRAIL_PERCENT_MAX = 50
VENUES: dict[Market, tuple[Venue, ...]] = {"KRX": ("KRX", "NXT", "SOR"), "US": ("US",)}
"""Where orders of a market may go; the first is meant when none is named."""

TrailPercent = Annotated[
    Decimal,
    BeforeValidator(decimal_from),
    Field(gt=0, le=TRAIL_PERCENT_MAX, decimal_places=2),
    PlainSerializer(decimal_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,2}(\.[0-9]{1,2})?$", "examples": ["3"]}),
]


class PlaceOrder(BaseModel):
    """An order. The same `client_order_id` with the same body again gets the order that is there.

    Stops wait with us until the last price comes to `stop_price`; a trailing stop follows the market at `trail_amount`
    or `trail_percent`. A buy with `take_profit_price` or `stop_loss_price` is a bracket: when it is filled, what was
    bought is offered at the one and sold at the other. A limit sale with `stop_loss_price` is a pair of which one
    cancels the other; so is a limit buy with `oco_stop_price` above it, where it buys at market instead, or at
    `oco_stop_limit_price`. Cash is held once, for the dearer of the two. An order that names its strategy is under that
    strategy's limits and kill switch as well. `venue` is KRX unless it says NXT, or SOR, which leaves the choice of one
    of the two to the broker.
    """

    model_config = ConfigDict(extra="forbid")

    account_id: UUID
    client_order_id: ClientOrderId | None = None
    symbol: SymbolCode
    side: Side
    order_type: OrderType
    quantity: Quantity
    limit_price: Price | None = None
    stop_price: Price | None = None
    time_in_force: TimeInForce = "day"
    venue: Venue | None = None
    trail_amount: Price | None = None
    trail_percent: TrailPercent | None = None
    take_profit_price: Price | None = None
    stop_loss_price: Price | None = None
    stop_loss_limit_price: Price | None = None
    oco_stop_price: Price | None = None
    oco_stop_limit_price: Price | None = None
    strategy_id: UUID | None = None

    @model_validator(mode="after")
    def _prices_fit_the_type(self) -> "PlaceOrder":
        wanted = {"limit_price": self.order_type in {"limit", "stop_limit"}}
        wanted["stop_price"] = self.order_type in {"stop", "stop_limit"}
        for name, is_wanted in wanted.items():
            if is_wanted and getattr(self, name) is None:
                raise ValueError(f"a {self.order_type} order needs a {name}")
            if not is_wanted and getattr(self, name) is not None:
                raise ValueError(f"a {self.order_type} order has no {name}")
        trails = [self.trail_amount, self.trail_percent].count(None)
        if trails != (1 if self.order_type == "trailing_stop" else 2):
            raise ValueError("a trailing_stop order, and no other, has one of trail_amount and trail_percent")
        market = normalise(self.symbol).market
        if self.venue is not None and self.venue not in VENUES[market]:
            raise ValueError(f"{self.symbol} trades at venue {' or '.join(VENUES[market])}")
        return self

    @model_validator(mode="after")
    def _exits_make_sense(self) -> "PlaceOrder":
        target, stop, limit = self.take_profit_price, self.stop_loss_price, self.stop_loss_limit_price
        if limit is not None and stop is None:
            raise ValueError("stop_loss_limit_price needs a stop_loss_price")
        if target is not None and stop is not None and target <= stop:
            raise ValueError("take_profit_price lies above stop_loss_price")
        if stop is not None and self.side == "sell" and self.limit_price is not None and self.limit_price <= stop:
            raise ValueError("a sale's limit_price lies above its stop_loss_price")
        if (target or stop) and self.order_type in STOP_TYPES:
            raise ValueError("a stop has no exits of its own")
        return self

    @model_validator(mode="after")
    def _a_pair_makes_sense(self) -> "PlaceOrder":
        stop, limit = self.oco_stop_price, self.oco_stop_limit_price
        if stop is None and limit is not None:
            raise ValueError("oco_stop_limit_price needs an oco_stop_price")
        if stop is None:
            return self
        if self.side != "buy" or self.limit_price is None or self.order_type != "limit":
            raise ValueError("oco_stop_price stands beside a limit buy; beside a limit sale it is stop_loss_price")
        if stop <= self.limit_price:
            raise ValueError("a buy's oco_stop_price lies above its limit_price")
        if self.take_profit_price is not None or self.stop_loss_price is not None:
            raise ValueError("two buys of which one cancels the other have no exits of their own")
        return self

    def request(self, order_id: OrderId) -> OrderRequest:
        """The request in the domain's words; without a client's id, ours serves as one."""
        market = normalise(self.symbol).market
        return OrderRequest(
            id=order_id,
            account_id=AccountId(self.account_id),
            client_order_id=self.client_order_id or str(order_id),
            symbol=self.symbol,
            market=market,
            venue=self.venue or market,
            currency=currency_of(market),
            side=self.side,
            order_type=self.order_type,
            quantity=self.quantity,
            limit_price=self.limit_price,
            stop_price=self.stop_price,
            time_in_force=self.time_in_force,
            trail_amount=self.trail_amount,
            trail_percent=self.trail_percent,
            take_profit_price=self.take_profit_price,
            stop_loss_price=self.stop_loss_price,
            stop_loss_limit_price=self.stop_loss_limit_price,
            oco_stop_price=self.oco_stop_price,
            oco_stop_limit_price=self.oco_stop_limit_price,
            strategy_id=self.strategy_id,
        )


class ReplaceOrder(BaseModel):
    """New terms for an order; what is not given stays. `quantity` is the new total, filled shares included."""

    model_config = ConfigDict(extra="forbid")

    quantity: Quantity | None = None
    limit_price: Price | None = None
    stop_price: Price | None = None

    @model_validator(mode="after")
    def _something_changes(self) -> "ReplaceOrder":
        if self.quantity is None and self.limit_price is None and self.stop_price is None:
            raise ValueError("give a quantity, a limit_price or a stop_price")
        return self


class ClosePosition(BaseModel):
    """Which account's shares to sell."""

    model_config = ConfigDict(extra="forbid")

    account_id: UUID
    client_order_id: ClientOrderId | None = None


class OrderShown(BaseModel):
    """An order. `reason` is the published one of a denial, or the broker's code; `detail` explains it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    account_id: UUID
    client_order_id: str
    symbol: str
    market: Market
    board: Board | None
    kind: Kind | None
    venue: Venue
    currency: Currency
    side: Side
    order_type: OrderType
    quantity: Money
    limit_price: Money | None
    stop_price: Money | None
    time_in_force: TimeInForce
    status: Status
    filled_quantity: Money
    remaining_quantity: Money
    average_price: Money | None
    fee: Money
    tax: Money
    reason: str | None
    detail: str | None
    created_at: datetime
    updated_at: datetime
    trail_amount: Money | None
    trail_percent: Money | None
    take_profit_price: Money | None
    stop_loss_price: Money | None
    stop_loss_limit_price: Money | None
    oco_stop_price: Money | None
    oco_stop_limit_price: Money | None
    group_id: UUID | None
    triggered_at: datetime | None
    replace_quantity: Money | None
    replace_limit_price: Money | None
    trace_id: str | None
    """Of the action that placed it, as in the `X-Trace-ID` of that answer."""


class CanceledShown(BaseModel):
    """What a cancel of everything has reached: the orders that end by it, once their cancel is confirmed."""

    order_ids: list[UUID]


class EstimateShown(BaseModel):
    """What an order would cost if all of it were filled at `price`; `hold` is set aside: cash, or shares of a sale."""

    model_config = ConfigDict(from_attributes=True)

    price: Money
    value: Money
    fee: Money
    tax: Money
    hold: Money


class PreviewShown(BaseModel):
    """The verdict an order would get now: an estimate when approved, a reason when denied."""

    verdict: Literal["approved", "denied"]
    currency: Currency
    reason: Reason | None
    detail: str | None
    estimate: EstimateShown | None

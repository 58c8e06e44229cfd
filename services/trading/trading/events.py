"""Everything this service announces: each fact is recorded in the transaction that makes it true."""

from datetime import date, datetime
from typing import ClassVar, Final, Self
from uuid import UUID

from kit.events import Event
from kit.money import Money
from pydantic import ConfigDict
from quant.markets.listing import Board, Currency, Kind, Market, Side
from quant.markets.sessions import Venue

from trading.alarm_events import LedgerDisproved, OrderSilent  # noqa: F401 - announced here as well, as others below
from trading.automation_events import (  # noqa: F401 - announced here as well, as all that is imported so
    AutomationChanged,
    AutomationReported,
    HookTroubled,
    PricesMissed,
    PricesRegained,
    SignalRaised,
    SignalSettled,
)
from trading.domain.account import Account, AccountKind, Balance
from trading.domain.fill import Filled, Recorded
from trading.domain.order import Order, Status
from trading.domain.position import Position
from trading.domain.request import OrderType, TimeInForce
from trading.reconciliation_events import AccountMismatched, OrderAdopted  # noqa: F401
from trading.switch_events import HaltChanged, LimitsChanged, SubmitsMismatched  # noqa: F401


class AccountOpened(Event):
    """An account was opened, at a broker when it has a connection."""

    TYPE: ClassVar[str] = "trading.account.opened.v1"
    SUBJECT: ClassVar[str] = "account_id"
    MUST_REACH: ClassVar[bool] = False
    account_id: UUID
    kind: AccountKind
    name: str
    connection_id: UUID | None


class AccountReset(Event):
    """A paper account began anew: whatever was in it has left it."""

    TYPE: ClassVar[str] = "trading.account.reset.v1"
    SUBJECT: ClassVar[str] = "account_id"
    MUST_REACH: ClassVar[bool] = False
    account_id: UUID
    initial_cash: Money


class DividendPaid(Event):
    """A dividend was credited: gross, and what was withheld of it."""

    TYPE: ClassVar[str] = "trading.dividend.paid.v1"
    SUBJECT: ClassVar[str] = "account_id"
    MUST_REACH: ClassVar[bool] = False
    account_id: UUID
    symbol: str
    quantity: Money
    currency: Currency
    gross: Money
    tax: Money
    paid_on: date


class OrderAsked(Event):
    """An order in the words that a broker needs to know it."""

    SUBJECT: ClassVar[str] = "order_id"
    order_id: UUID
    account_id: UUID
    account_kind: AccountKind
    client_order_id: str
    symbol: str
    market: Market
    board: Board
    kind: Kind
    venue: Venue
    currency: Currency
    side: Side
    order_type: OrderType
    quantity: Money
    limit_price: Money | None
    time_in_force: TimeInForce
    broker: str
    connection_id: UUID | None


class OrderSubmitted(OrderAsked):
    """An order passed the risk review, its cash or shares are held, and the broker is to place it."""

    TYPE: ClassVar[str] = "trading.order.submitted.v1"


class OrderCancelRequested(OrderAsked):
    """The owner wants an order canceled; the broker is to try, or never to place it if it has not come yet."""

    TYPE: ClassVar[str] = "trading.order.cancel_requested.v1"
    URGENT: ClassVar[bool] = True


class OrderReplaceRequested(Event):
    """The owner wants an order to ask for something else; the broker is to try. `quantity` is the new total."""

    TYPE: ClassVar[str] = "trading.order.replace_requested.v1"
    SUBJECT: ClassVar[str] = "order_id"
    order_id: UUID
    account_id: UUID
    replace_id: UUID
    quantity: Money
    limit_price: Money | None


class OrderChanged(Event):
    """An order as GET /trading/orders/{id} shows it, after something happened to it."""

    model_config = ConfigDict(from_attributes=True)

    SUBJECT: ClassVar[str] = "id"
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
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, order: Order) -> Self:
        """Tell how the order is now."""
        return cls.model_validate(order)


class OrderDenied(OrderChanged):
    """Our own risk review refused an order; `reason` says why."""

    TYPE: ClassVar[str] = "trading.order.denied.v1"


class OrderPartiallyFilled(OrderChanged):
    """Part of the order was executed; the status says whether the rest is still open."""

    TYPE: ClassVar[str] = "trading.order.partially_filled.v1"


class OrderFilled(OrderChanged):
    """All of the order was executed."""

    TYPE: ClassVar[str] = "trading.order.filled.v1"


class OrderCanceled(OrderChanged):
    """What was not filled will not be: the broker confirmed the cancel."""

    TYPE: ClassVar[str] = "trading.order.canceled.v1"


class OrderRejected(OrderChanged):
    """The broker or the exchange refused the order; `reason` is theirs."""

    TYPE: ClassVar[str] = "trading.order.rejected.v1"


class OrderExpired(OrderChanged):
    """The order's time ran out before all of it was filled."""

    TYPE: ClassVar[str] = "trading.order.expired.v1"


class OrderHeld(OrderChanged):
    """A stop passed the risk review, its cash or shares are held, and it waits with us for its price."""

    TYPE: ClassVar[str] = "trading.order.held.v1"
    MUST_REACH: ClassVar[bool] = False


class OrderReplaced(OrderChanged):
    """The order asks for what its owner wanted instead; it keeps its id, and what was filled stays filled."""

    TYPE: ClassVar[str] = "trading.order.replaced.v1"
    MUST_REACH: ClassVar[bool] = False


class OrderReplaceRejected(OrderChanged):
    """The broker refused to replace the order: it asks for what it asked for before."""

    TYPE: ClassVar[str] = "trading.order.replace_rejected.v1"
    MUST_REACH: ClassVar[bool] = False


class ExecutionRecorded(Event):
    """An execution as it was booked. Announced as a part of `FillBooked`; alone only by earlier versions."""

    model_config = ConfigDict(from_attributes=True)

    TYPE: ClassVar[str] = "trading.execution.recorded.v1"
    SUBJECT: ClassVar[str] = "execution_id"
    execution_id: str
    order_id: UUID
    account_id: UUID
    symbol: str
    side: Side
    quantity: Money
    price: Money
    fee: Money
    tax: Money
    realized_profit: Money
    currency: Currency
    trade_date: date
    settlement_date: date
    executed_at: datetime

    @classmethod
    def of(cls, execution: Recorded) -> Self:
        """Tell what was booked."""
        return cls.model_validate(execution)


class PositionChanged(Event):
    """An account has more or fewer shares of an instrument."""

    model_config = ConfigDict(from_attributes=True)

    TYPE: ClassVar[str] = "trading.position.changed.v1"
    SUBJECT: ClassVar[str] = "account_id"
    account_id: UUID
    symbol: str
    market: Market
    currency: Currency
    quantity: Money
    average_price: Money
    realized_profit: Money

    @classmethod
    def of(cls, position: Position) -> Self:
        """Tell what the account has now."""
        return cls.model_validate(position)


class BalanceChanged(Event):
    """Cash of an account came, went, was held or was released."""

    model_config = ConfigDict(from_attributes=True)

    TYPE: ClassVar[str] = "trading.balance.changed.v1"
    SUBJECT: ClassVar[str] = "account_id"
    account_id: UUID
    currency: Currency
    cash: Money
    held: Money
    available: Money
    unsettled_in: Money
    unsettled_out: Money

    @classmethod
    def of(cls, balance: Balance) -> Self:
        """Tell what the account has now."""
        return cls.model_validate(balance)


class OrderAnswered(OrderChanged):
    """A broker's first word about an order that is open. What a buy holds is told of with it, and not before."""

    balance: BalanceChanged | None = None

    @classmethod
    def with_hold(cls, order: Order, balance: Balance) -> Self:
        """Tell how the order is now, and what the account has while it is open."""
        return cls(**OrderChanged.of(order).model_dump(), balance=BalanceChanged.of(balance))


class OrderAccepted(OrderAnswered):
    """The broker has the order, or has it again after refusing to cancel it."""

    TYPE: ClassVar[str] = "trading.order.accepted.v1"


class OrderUnknown(OrderAnswered):
    """The broker did not answer: only evidence will tell what became of the order."""

    TYPE: ClassVar[str] = "trading.order.unknown.v1"


class FillBooked(Event):
    """A fill was booked: order, money and position have all moved by it, and are told of together."""

    TYPE: ClassVar[str] = "trading.fill.booked.v1"
    SUBJECT: ClassVar[str] = "order_id"
    order_id: UUID
    execution: ExecutionRecorded
    order: OrderChanged
    position: PositionChanged
    balance: BalanceChanged

    @classmethod
    def of(cls, filled: Filled) -> Self:
        """Tell what a fill has changed."""
        return cls(
            order_id=filled.order.id,
            execution=ExecutionRecorded.of(filled.recorded),
            order=OrderChanged.of(filled.order),
            position=PositionChanged.of(filled.position),
            balance=BalanceChanged.of(filled.balance),
        )


_BY_STATUS: Final[dict[Status, type[OrderChanged]]] = {
    Status.DENIED: OrderDenied,
    Status.ACCEPTED: OrderAccepted,
    Status.PARTIALLY_FILLED: OrderPartiallyFilled,
    Status.FILLED: OrderFilled,
    Status.CANCELED: OrderCanceled,
    Status.REJECTED: OrderRejected,
    Status.EXPIRED: OrderExpired,
    Status.UNKNOWN: OrderUnknown,
    Status.HELD: OrderHeld,
}


def order_changed(order: Order) -> OrderChanged:
    """The event of the status an order has come to."""
    return _BY_STATUS[order.status].of(order)


def order_answered(before: Order, order: Order, balance: Balance | None) -> OrderChanged:
    """The event of a broker's word about an order that is open: the first one tells what is held, if that is cash."""
    kind = _BY_STATUS[order.status]
    if balance is None or before.status is not Status.SUBMITTED or not issubclass(kind, OrderAnswered):
        return kind.of(order)
    return kind.with_hold(order, balance)


def order_submitted(order: Order, account: Account) -> OrderSubmitted:
    """The event that sends an order to the broker."""
    assert order.board is not None and order.kind is not None, "an approved order was judged by a quote"  # noqa: PT018
    return OrderSubmitted(
        order_id=order.id,
        account_id=order.account_id,
        account_kind=account.kind,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        market=order.market,
        board=order.board,
        kind=order.kind,
        venue=order.venue,
        currency=order.currency,
        side=order.side,
        order_type=order.sent_type,
        quantity=order.quantity,
        limit_price=order.limit_price,
        time_in_force=order.time_in_force,
        broker=account.broker,
        connection_id=account.connection_id,
    )


def cancel_requested(order: Order, account: Account) -> OrderCancelRequested:
    """The event that takes it back, whole: a broker that has not seen the order yet must know what never to place."""
    return OrderCancelRequested(**order_submitted(order, account).model_dump())


class OwnerErased(Event):
    """Somebody who left is forgotten here; their books are kept under a bare id."""

    TYPE: ClassVar[str] = "trading.owner.erased.v1"
    SUBJECT: ClassVar[str] = "user_id"

    user_id: UUID

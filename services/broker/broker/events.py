"""Everything the broker service announces."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from kit.events import Event
from kit.money import Money


class OrderAccepted(Event):
    """A broker has taken an order."""

    TYPE: ClassVar[str] = "broker.order.accepted.v1"
    SUBJECT: ClassVar[str] = "order_id"

    order_id: UUID
    account_id: UUID
    broker: str
    broker_order_id: str
    accepted_at: datetime


class OrderRejected(Event):
    """A broker has refused an order, or it could certainly not be sent."""

    TYPE: ClassVar[str] = "broker.order.rejected.v1"
    SUBJECT: ClassVar[str] = "order_id"

    order_id: UUID
    account_id: UUID
    broker: str
    code: str
    text: str


class OrderExecuted(Event):
    """Some or all of an order was traded. One event per execution, whichever way and however often we heard of it."""

    TYPE: ClassVar[str] = "broker.order.executed.v1"
    SUBJECT: ClassVar[str] = "order_id"

    order_id: UUID
    account_id: UUID
    broker: str
    broker_order_id: str
    execution_id: str
    symbol: str
    side: Literal["buy", "sell"]
    quantity: Money
    price: Money
    fee: Money
    tax: Money
    trade_date: date
    settlement_date: date
    executed_at: datetime


class OrderCanceled(Event):
    """What was open of an order is canceled, because somebody asked or because it was not to wait."""

    TYPE: ClassVar[str] = "broker.order.canceled.v1"
    SUBJECT: ClassVar[str] = "order_id"

    order_id: UUID
    account_id: UUID
    broker: str
    canceled_quantity: Money


class OrderCancelRejected(Event):
    """A broker would not cancel an order."""

    TYPE: ClassVar[str] = "broker.order.cancel_rejected.v1"
    SUBJECT: ClassVar[str] = "order_id"

    order_id: UUID
    account_id: UUID
    broker: str
    code: str
    text: str


class OrderReplaced(Event):
    """A broker has changed an order: quantity (what is filled included) and limit are these from now on."""

    TYPE: ClassVar[str] = "broker.order.replaced.v1"
    SUBJECT: ClassVar[str] = "order_id"

    order_id: UUID
    account_id: UUID
    replace_id: UUID
    quantity: Money
    limit_price: Money | None


class OrderReplaceRejected(Event):
    """A broker would not change an order, which stays as it was."""

    TYPE: ClassVar[str] = "broker.order.replace_rejected.v1"
    SUBJECT: ClassVar[str] = "order_id"

    order_id: UUID
    account_id: UUID
    replace_id: UUID
    code: str
    text: str


class OrderExpired(Event):
    """The session ended before an order was filled."""

    TYPE: ClassVar[str] = "broker.order.expired.v1"
    SUBJECT: ClassVar[str] = "order_id"

    order_id: UUID
    account_id: UUID
    canceled_quantity: Money


class ConnectionChanged(Event):
    """Somebody connected to a broker, or took a connection away. No credential and no account number is in it."""

    TYPE: ClassVar[str] = "broker.connection.changed.v1"
    SUBJECT: ClassVar[str] = "connection_id"
    MUST_REACH: ClassVar[bool] = False

    connection_id: UUID
    broker: str
    environment: Literal["paper", "real"]
    change: Literal["saved", "deleted"]


class OrderUnknown(Event):
    """An order may or may not be at its broker; evidence is being looked for."""

    TYPE: ClassVar[str] = "broker.order.unknown.v1"
    SUBJECT: ClassVar[str] = "order_id"

    order_id: UUID
    account_id: UUID
    text: str


class OwnerErased(Event):
    """Somebody who left is forgotten here."""

    TYPE: ClassVar[str] = "broker.owner.erased.v1"
    SUBJECT: ClassVar[str] = "user_id"

    user_id: UUID

"""Everything the broker service announces."""

from datetime import date, datetime
from typing import ClassVar, Literal
from uuid import UUID

from kit.events import Event
from kit.money import Money
from pydantic import BaseModel, ConfigDict

from broker.domain.attempt import Attempt, AttemptState
from broker.domain.order import Accepted, Answer, Execution, Refused, Unanswered


class SubmitSeen(BaseModel):
    """An order as it was sent: what trading must have approved, word for word."""

    model_config = ConfigDict(frozen=True, from_attributes=True)

    order_id: UUID
    owner: UUID | None
    """None for an order that came past our attempts: nobody asked for it."""
    account_id: str
    symbol: str
    side: Literal["buy", "sell"]
    quantity: Money
    limit_price: Money | None


class SubmitsReported(Event):
    """What a broker was sent lately, each order once: the exchange's own books for the simulator, else our attempts."""

    TYPE: ClassVar[str] = "broker.submits.reported.v1"
    SUBJECT: ClassVar[str] = "broker"

    broker: str
    submits: list[SubmitSeen]


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


class ConnectionRefused(Event):
    """A broker does not take a connection's credentials any more: nothing goes through it until its owner acts."""

    TYPE: ClassVar[str] = "broker.connection.refused.v1"
    SUBJECT: ClassVar[str] = "connection_id"

    connection_id: UUID
    broker: str
    text: str


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


class ReportedOrder(BaseModel):
    """One order of a broker's list. `order_id` is null for one that was placed elsewhere, with the same account."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order_id: UUID | None
    broker_order_id: str
    symbol: str
    side: Literal["buy", "sell"]
    quantity: Money
    limit_price: Money | None
    filled_quantity: Money
    filled_value: Money
    is_open: bool
    placed_at: datetime


class ReportedHolding(BaseModel):
    """Shares at the broker, and what they cost there on average."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: str
    quantity: Money
    average_price: Money


class ReportedExecution(BaseModel):
    """An execution that was announced before, word for word."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    execution_id: str
    order_id: UUID
    quantity: Money
    price: Money
    fee: Money
    tax: Money
    trade_date: date
    settlement_date: date
    executed_at: datetime


class AccountReported(Event):
    """An account as its broker shows it, read whole: announced when it is news, or when it was asked for again.

    `cash` is what is there when all trades have settled. `executions` are those of ours since `since`, newest last.
    """

    TYPE: ClassVar[str] = "broker.account.reported.v1"
    SUBJECT: ClassVar[str] = "connection_id"

    connection_id: UUID
    broker: str
    market: Literal["KRX", "US"]
    currency: Literal["KRW", "USD"]
    since: datetime
    read_at: datetime
    cash: Money
    holdings: list[ReportedHolding]
    orders: list[ReportedOrder]
    executions: list[ReportedExecution]


class OrderNeedsHuman(Event):
    """An order cannot be told from others at its broker: somebody has to look there, and say which it is."""

    TYPE: ClassVar[str] = "broker.order.needs_human.v1"
    SUBJECT: ClassVar[str] = "order_id"

    order_id: UUID
    account_id: UUID
    broker: str
    text: str


class DoubtAnswered(Event):
    """The owner of an order has said which one it is at the broker, or (null) that it was never placed there."""

    TYPE: ClassVar[str] = "broker.doubt.answered.v1"
    SUBJECT: ClassVar[str] = "order_id"

    order_id: UUID
    account_id: UUID
    broker: str
    broker_order_id: str | None


class FramesDrifted(Event):
    """A broker sends frames of another shape than before; they are read all the same, and somebody should look."""

    TYPE: ClassVar[str] = "broker.frames.drifted.v1"
    SUBJECT: ClassVar[str] = "broker"
    MUST_REACH: ClassVar[bool] = False

    broker: str
    frame: str
    fields: int
    before: int


def facts_of(
    attempt: Attempt, steps: tuple[AttemptState, ...], answer: Answer, new: tuple[Execution, ...]
) -> list[Event]:
    """What to announce, in the order it happened: accepted (unless filled at once), executed, ended."""
    order_id, account_id, broker = attempt.intent.order_id, attempt.intent.account_id, attempt.broker
    match answer:
        case Refused(code, text) if steps:
            return [OrderRejected(order_id=order_id, account_id=account_id, broker=broker, code=code, text=text)]
        case Unanswered(text) if steps:
            return [OrderUnknown(order_id=order_id, account_id=account_id, text=text)]
        case Accepted() as accepted:
            # an order that is filled as it arrives was never waiting there: its executions say everything
            filled_at_once = sum(each.quantity for each in new) == attempt.intent.quantity
            taken = [_accepted(attempt, accepted)] if AttemptState.ACCEPTED in steps and not filled_at_once else []
            return [*taken, *(_executed(attempt, each) for each in new), *_ended(attempt, accepted, steps)]
    return []


def _accepted(attempt: Attempt, answer: Accepted) -> OrderAccepted:
    return OrderAccepted(
        order_id=attempt.intent.order_id,
        account_id=attempt.intent.account_id,
        broker=attempt.broker,
        broker_order_id=answer.broker_order_id,
        accepted_at=answer.accepted_at,
    )


def _executed(attempt: Attempt, execution: Execution) -> OrderExecuted:
    assert attempt.broker_order_id is not None
    return OrderExecuted(
        order_id=attempt.intent.order_id,
        account_id=attempt.intent.account_id,
        broker=attempt.broker,
        broker_order_id=attempt.broker_order_id,
        execution_id=execution.execution_id,
        symbol=attempt.intent.symbol,
        side=attempt.intent.side,
        quantity=execution.quantity,
        price=execution.price,
        fee=execution.fee,
        tax=execution.tax,
        trade_date=execution.trade_date,
        settlement_date=execution.settlement_date,
        executed_at=execution.executed_at,
    )


def _ended(attempt: Attempt, answer: Accepted, steps: tuple[AttemptState, ...]) -> list[Event]:
    order_id, account_id = attempt.intent.order_id, attempt.intent.account_id
    if answer.ended is None:
        return []
    quantity = answer.ended.quantity
    if AttemptState.CANCELED in steps:
        canceled = OrderCanceled(
            order_id=order_id, account_id=account_id, broker=attempt.broker, canceled_quantity=quantity
        )
        return [canceled]
    if AttemptState.EXPIRED in steps:
        return [OrderExpired(order_id=order_id, account_id=account_id, canceled_quantity=quantity)]
    return []

"""The life of an order: one table says what may happen in which status, and what becomes of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Literal
from uuid import UUID

from quant.markets.listing import Board, Kind

from trading.domain.position import rounded
from trading.domain.request import Approved, Denied, Execution, OrderRequest, OrderType

ZERO: Final = Decimal(0)


class Status(StrEnum):
    """Where an order stands.

    No edge leads to `replaced`: a replaced order keeps its id and goes on. It is published for clients that know it
    from elsewhere.
    """

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    PENDING_CANCEL = "pending_cancel"
    CANCELED = "canceled"
    REJECTED = "rejected"
    DENIED = "denied"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    PENDING_REPLACE = "pending_replace"
    REPLACED = "replaced"
    HELD = "held"


class Happening(StrEnum):
    """What can happen to an order once it is submitted."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    PARTIALLY_FILLED = "partially filled"
    FILLED = "filled"
    CANCEL_REQUESTED = "cancel requested"
    CANCELED = "canceled"
    CANCEL_REJECTED = "cancel rejected"
    CANCEL_REJECTED_AFTER_FILL = "cancel rejected after a fill"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    REPLACE_REQUESTED = "replace requested"
    REPLACED = "replaced"
    REPLACED_AFTER_FILL = "replaced after a fill"
    REPLACED_BY_WHAT_IS_FILLED = "replaced by what is filled"
    REPLACE_REJECTED = "replace rejected"
    REPLACE_REJECTED_AFTER_FILL = "replace rejected after a fill"
    TRIGGERED = "triggered"


BrokerWord = Literal[
    Happening.ACCEPTED,
    Happening.REJECTED,
    Happening.CANCELED,
    Happening.CANCEL_REJECTED,
    Happening.EXPIRED,
    Happening.UNKNOWN,
]
"""What a broker may say about an order, short of an execution."""

S, H = Status, Happening


def _stays(status: Status, happenings: Iterable[Happening]) -> dict[Happening, Status]:
    """Happenings that are listed and change nothing: repeated or overtaken news."""
    return dict.fromkeys(happenings, status)


_CANCEL_REJECTED: Final = (H.CANCEL_REJECTED, H.CANCEL_REJECTED_AFTER_FILL)
_REPLACE_REJECTED: Final = (H.REPLACE_REJECTED, H.REPLACE_REJECTED_AFTER_FILL)
_REPLACED: Final = (H.REPLACED, H.REPLACED_AFTER_FILL)
_REPLACE_ANSWERS: Final = (*_REPLACED, *_REPLACE_REJECTED)
_OLD_NEWS_AT_THE_END: Final = (
    *(H.ACCEPTED, H.REJECTED, H.CANCELED, H.EXPIRED, H.UNKNOWN),
    *_CANCEL_REJECTED,
    *_REPLACE_ANSWERS,
    H.REPLACED_BY_WHAT_IS_FILLED,
)

TRANSITIONS: Final[Mapping[Status, Mapping[Happening, Status]]] = MappingProxyType(
    {
        S.HELD: {  # a stop that waits with us: the broker knows nothing of it
            H.TRIGGERED: S.SUBMITTED,
            H.CANCELED: S.CANCELED,
            H.EXPIRED: S.EXPIRED,
        },
        S.SUBMITTED: {
            H.ACCEPTED: S.ACCEPTED,
            H.REJECTED: S.REJECTED,
            H.PARTIALLY_FILLED: S.PARTIALLY_FILLED,
            H.FILLED: S.FILLED,
            H.CANCEL_REQUESTED: S.PENDING_CANCEL,
            H.CANCELED: S.CANCELED,
            H.EXPIRED: S.EXPIRED,
            H.UNKNOWN: S.UNKNOWN,
        },
        S.ACCEPTED: {
            H.REJECTED: S.REJECTED,
            H.PARTIALLY_FILLED: S.PARTIALLY_FILLED,
            H.FILLED: S.FILLED,
            H.CANCEL_REQUESTED: S.PENDING_CANCEL,
            H.CANCELED: S.CANCELED,
            H.EXPIRED: S.EXPIRED,
            H.REPLACE_REQUESTED: S.PENDING_REPLACE,
            **_stays(S.ACCEPTED, (H.ACCEPTED, H.CANCEL_REJECTED, H.UNKNOWN, H.REPLACED, H.REPLACE_REJECTED)),
        },
        S.PARTIALLY_FILLED: {
            H.PARTIALLY_FILLED: S.PARTIALLY_FILLED,
            H.FILLED: S.FILLED,
            H.CANCEL_REQUESTED: S.PENDING_CANCEL,
            H.CANCELED: S.CANCELED,
            H.EXPIRED: S.EXPIRED,
            H.REPLACE_REQUESTED: S.PENDING_REPLACE,
            H.REPLACED_BY_WHAT_IS_FILLED: S.FILLED,
            **_stays(S.PARTIALLY_FILLED, (H.ACCEPTED, H.CANCEL_REJECTED_AFTER_FILL, H.UNKNOWN)),
            **_stays(S.PARTIALLY_FILLED, (H.REPLACED_AFTER_FILL, H.REPLACE_REJECTED_AFTER_FILL)),
        },
        S.PENDING_REPLACE: {  # what is filled meanwhile belongs to the order as it was
            H.REJECTED: S.REJECTED,
            H.PARTIALLY_FILLED: S.PENDING_REPLACE,
            H.FILLED: S.FILLED,
            H.CANCEL_REQUESTED: S.PENDING_CANCEL,
            H.CANCELED: S.CANCELED,
            H.EXPIRED: S.EXPIRED,
            H.REPLACED: S.ACCEPTED,
            H.REPLACED_AFTER_FILL: S.PARTIALLY_FILLED,
            H.REPLACED_BY_WHAT_IS_FILLED: S.FILLED,
            H.REPLACE_REJECTED: S.ACCEPTED,
            H.REPLACE_REJECTED_AFTER_FILL: S.PARTIALLY_FILLED,
            **_stays(S.PENDING_REPLACE, (H.ACCEPTED, H.UNKNOWN, *_CANCEL_REJECTED)),
        },
        S.PENDING_CANCEL: {
            H.REJECTED: S.REJECTED,
            H.PARTIALLY_FILLED: S.PENDING_CANCEL,  # filled while the cancel was under way
            H.FILLED: S.FILLED,
            H.CANCELED: S.CANCELED,
            H.CANCEL_REJECTED: S.ACCEPTED,
            H.CANCEL_REJECTED_AFTER_FILL: S.PARTIALLY_FILLED,
            H.EXPIRED: S.EXPIRED,
            H.REPLACED_BY_WHAT_IS_FILLED: S.FILLED,
            **_stays(S.PENDING_CANCEL, (H.ACCEPTED, H.CANCEL_REQUESTED, H.UNKNOWN)),
            **_stays(S.PENDING_CANCEL, _REPLACE_ANSWERS),  # the cancel came after: its answer is still to come
        },
        S.UNKNOWN: {  # left only by evidence from the broker
            H.ACCEPTED: S.ACCEPTED,
            H.REJECTED: S.REJECTED,
            H.PARTIALLY_FILLED: S.PARTIALLY_FILLED,
            H.FILLED: S.FILLED,
            H.CANCEL_REQUESTED: S.PENDING_CANCEL,
            H.CANCELED: S.CANCELED,
            H.EXPIRED: S.EXPIRED,
            **_stays(S.UNKNOWN, (H.UNKNOWN,)),
        },
        S.FILLED: _stays(S.FILLED, _OLD_NEWS_AT_THE_END),
        S.CANCELED: {
            H.PARTIALLY_FILLED: S.CANCELED,  # a late fill: it crossed the cancel and is true all the same
            H.FILLED: S.FILLED,
            **_stays(S.CANCELED, _OLD_NEWS_AT_THE_END),
        },
        S.EXPIRED: {
            H.PARTIALLY_FILLED: S.EXPIRED,  # a late fill
            H.FILLED: S.FILLED,
            **_stays(S.EXPIRED, _OLD_NEWS_AT_THE_END),
        },
        S.REJECTED: _stays(S.REJECTED, _OLD_NEWS_AT_THE_END),
        S.DENIED: {},  # it never left the house
    }
)

AT_BROKER: Final = frozenset(
    {S.SUBMITTED, S.ACCEPTED, S.PARTIALLY_FILLED, S.PENDING_CANCEL, S.PENDING_REPLACE, S.UNKNOWN}
)
"""Statuses in which the broker may still fill the order."""
OPEN: Final = AT_BROKER | {S.HELD}
"""Statuses in which the order may still be filled one day, so that its hold stays."""
REPLACEABLE: Final = frozenset({S.ACCEPTED, S.PARTIALLY_FILLED})
"""Statuses in which the broker has the order and nothing is being asked of it."""


class Illegal(Exception):
    """Something was reported that cannot have happened to this order: a human has to look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order(OrderRequest):
    """An order: what was asked for, and everything that has become of it. A value: every change is a new one.

    `held` is what is still set aside: cash for a buy, shares for a sale; nothing once the order is not open any more.
    `board`, `kind` and `trading_date`, the market's day, are None only for an order denied for want of a quote.
    `replace_…` is the replacement that is being asked for, and `replace_held` the part of `held` that is only for it;
    `original_…` are the terms before the first replacement. `watched_price` is the best price a trailing stop has seen.
    `correlation_id` is that of the action that placed it.
    """

    board: Board | None
    kind: Kind | None
    status: Status
    filled_quantity: Decimal
    filled_value: Decimal
    fee: Decimal
    tax: Decimal
    reserve_price: Decimal | None
    held: Decimal
    reason: str | None
    detail: str | None
    created_at: datetime
    updated_at: datetime
    trading_date: date | None = None
    group_id: UUID | None = None
    watched_price: Decimal | None = None
    triggered_at: datetime | None = None
    replace_id: UUID | None = None
    replace_quantity: Decimal | None = None
    replace_limit_price: Decimal | None = None
    replace_held: Decimal = ZERO
    original_quantity: Decimal | None = None
    original_limit_price: Decimal | None = None
    original_stop_price: Decimal | None = None
    correlation_id: UUID | None = None

    @property
    def trace_id(self) -> str | None:
        """The trace of the action that placed it, as W3C names it; None for orders that came to the broker past us."""
        return None if self.correlation_id is None else self.correlation_id.hex

    @property
    def remaining_quantity(self) -> Decimal:
        """What was asked for and not filled, whether or not it can still be."""
        return self.quantity - self.filled_quantity

    @property
    def average_price(self) -> Decimal | None:
        """The average price of the fills, shown to 8 places; `filled_value` is exact."""
        return rounded(self.filled_value / self.filled_quantity) if self.filled_quantity else None

    @property
    def is_adopted(self) -> bool:
        """Whether its owner placed it elsewhere: nothing of it was approved, or set aside, by us."""
        return self.client_order_id == f"adopted:{self.id}"

    @property
    def is_open(self) -> bool:
        """Whether it may still be filled one day."""
        return self.status in OPEN

    @property
    def sent_type(self) -> OrderType:
        """What the broker is told: a triggered stop is a market order, or a limit order when it has a limit."""
        if not self.is_stop:
            return self.order_type
        return "market" if self.limit_price is None else "limit"

    def asks_the_same_as(self, request: OrderRequest) -> bool:
        """Whether the request is this order's own, sent again."""
        first = self
        if self.original_quantity is not None:
            first = replace(
                self,
                quantity=self.original_quantity,
                limit_price=self.original_limit_price,
                stop_price=self.original_stop_price,
            )
        return all(getattr(first, name) == getattr(request, name) for name in _ASKED)

    def after(
        self, happening: Happening, at: datetime, reason: str | None = None, detail: str | None = None
    ) -> "Order":
        """Return what the order becomes, or this very order when the news is old.

        Raises:
            Illegal: when the table does not list it.
        """
        assert happening not in _WITH_FIGURES, "it has figures of its own: filled_by, or domain/replacement"
        if happening is H.CANCEL_REJECTED and self.filled_quantity:
            happening = H.CANCEL_REJECTED_AFTER_FILL
        status = self.next_status(happening)
        if status is self.status:
            return self
        if status is S.REJECTED and self.filled_quantity:
            raise Illegal(f"order {self.id} was rejected after {self.filled_quantity} were filled")
        if status not in OPEN:
            return replace(self.ended(), status=status, reason=reason, detail=detail, updated_at=at)
        return replace(self, status=status, reason=reason, detail=detail, updated_at=at)

    def filled_by(self, execution: Execution, at: datetime) -> "Order":
        """Return the order after one more execution; the caller sees to it that each is applied once.

        A buy's hold shrinks by what these shares were reserved at and by the fee they really cost. So what stays is
        enough for the rest at the reserved price however it is split, and the last fill frees the remainder.

        Raises:
            Illegal: when the status allows no fill, or more was filled than asked for.
        """
        filled = self.filled_quantity + execution.quantity
        if filled > self.quantity:
            raise Illegal(f"order {self.id} asks for {self.quantity}, but {filled} would be filled")
        status = self.next_status(H.FILLED if filled == self.quantity else H.PARTIALLY_FILLED)
        reserved = execution.quantity
        if self.reserve_price is not None:
            reserved = execution.quantity * self.reserve_price + execution.fee
        filled_order = replace(
            self,
            status=status,
            filled_quantity=filled,
            filled_value=self.filled_value + execution.value,
            fee=self.fee + execution.fee,
            tax=self.tax + execution.tax,
            held=max(self.replace_held, self.held - reserved),
            updated_at=at,
        )
        return filled_order if status in OPEN else filled_order.ended()

    def ended(self) -> "Order":
        """Return the order with nothing set aside and nothing asked for any more."""
        return replace(self, held=ZERO, **NO_REPLACEMENT)

    def next_status(self, happening: Happening) -> Status:
        """Look up what the table says.

        Raises:
            Illegal: when it says nothing.
        """
        status = TRANSITIONS.get(self.status, {}).get(happening)
        if status is None:
            raise Illegal(f"order {self.id} is {self.status}: it cannot be {happening}")
        return status


_WITH_FIGURES: Final = frozenset(
    {H.PARTIALLY_FILLED, H.FILLED, H.REPLACE_REQUESTED, H.REPLACED_BY_WHAT_IS_FILLED, H.TRIGGERED, *_REPLACE_ANSWERS}
)
NO_REPLACEMENT: Final[dict[str, Any]] = {
    "replace_id": None,
    "replace_quantity": None,
    "replace_limit_price": None,
    "replace_held": ZERO,
}
_ASKED: Final = tuple(field.name for field in fields(OrderRequest) if field.name != "id")


def submit(approved: Approved, at: datetime) -> Order:
    """Make the order that goes to the broker, or waits with us for its price: the only way into the table."""
    return replace(
        _new(approved.request, S.HELD if approved.request.is_stop else S.SUBMITTED, at),
        board=approved.quote.board,
        kind=approved.quote.kind,
        trading_date=approved.quote.trading_date,
        watched_price=approved.quote.price if approved.request.order_type == "trailing_stop" else None,
        reserve_price=approved.hold.price,
        held=approved.hold.amount,
    )


def deny(request: OrderRequest, denied: Denied, at: datetime) -> Order:
    """Make the order that is kept as denied: it holds nothing and goes nowhere."""
    return replace(
        _new(request, S.DENIED, at),
        board=denied.quote.board if denied.quote else None,
        kind=denied.quote.kind if denied.quote else None,
        reason=denied.reason,
        detail=denied.detail,
    )


def _new(request: OrderRequest, status: Status, at: datetime) -> Order:
    return Order(
        **{field.name: getattr(request, field.name) for field in fields(request)},
        board=None,
        kind=None,
        status=status,
        filled_quantity=ZERO,
        filled_value=ZERO,
        fee=ZERO,
        tax=ZERO,
        reserve_price=None,
        held=ZERO,
        reason=None,
        detail=None,
        created_at=at,
        updated_at=at,
    )

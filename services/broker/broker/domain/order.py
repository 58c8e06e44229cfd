"""An order as it is to be sent, and everything a broker can answer about it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal, NewType
from uuid import UUID

from quant.markets.listing import Board, Kind, Market, Side
from quant.markets.sessions import Venue

OwnerId = NewType("OwnerId", UUID)
AccountId = NewType("AccountId", UUID)
OrderId = NewType("OrderId", UUID)
Environment = Literal["paper", "real"]
ClientKey = NewType("ClientKey", UUID)
"""The name we give an order towards its broker. One key is one order there, however often it is sent."""


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """What trading asks us to send. Words that brokers differ in stay text: capabilities judge them."""

    order_id: OrderId
    owner: OwnerId
    account_id: AccountId
    account_kind: str
    symbol: str
    market: Market
    board: Board
    kind: Kind
    side: Side
    order_type: str
    time_in_force: str
    quantity: Decimal
    limit_price: Decimal | None
    broker: str = "simulator"
    connection_id: UUID | None = None
    """Whose keys open the broker's door; None for the simulator, which has none."""
    venue: Venue = "KRX"
    """Where it is to trade. SOR leaves the choice to the broker."""

    @property
    def environment(self) -> Environment:
        """Which environment of its broker has accounts of this kind."""
        return "real" if self.account_kind == "live" else "paper"

    @property
    def key(self) -> ClientKey:
        return ClientKey(self.order_id)


@dataclass(frozen=True, slots=True)
class Execution:
    """Shares that changed hands, with what the broker charged. The id is the same however often we hear of it."""

    execution_id: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    tax: Decimal
    trade_date: date
    settlement_date: date
    executed_at: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """The rest of an order will never trade."""

    reason: Literal["canceled", "expired"]
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of an order has traded in all, from a broker that tells sums and not executions."""

    quantity: Decimal
    amount: Decimal
    trade_date: date
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """The broker has the order: the executions it knows of, oldest first, and how the rest ended, if it did.

    A broker that tells only sums gives `progress` instead of executions; settling makes executions of the increments.
    """

    broker_order_id: str
    accepted_at: datetime
    executions: tuple[Execution, ...] = ()
    ended: Ended | None = None
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The broker has said no, for good."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """What an order is to become: its whole quantity, what is filled included, and its limit."""

    replace_id: UUID
    quantity: Decimal
    limit_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Replaced:
    """The broker has changed an order: everything known of it before the change, and after it."""

    before: Accepted
    after: Accepted


@dataclass(frozen=True, slots=True)
class ReplaceRefused:
    """The broker will not change an order, which stays as it was."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Absent:
    """The broker shows no such order. Whether that proves anything is a capability."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """The broker shows several orders that could be this one: a human has to look."""

    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unaskable:
    """The broker cannot be asked any more, since the connection was taken away: only its owner can look there."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One order of a broker's own list, whoever placed it; its changes and cancels are in it already.

    `quantity` and `limit_price` (None at market) are what it asks for now; `filled` shares have traded, for `amount`.
    """

    broker_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    filled: Decimal
    amount: Decimal
    is_open: bool
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class Unanswered:
    """We sent, or may have, and do not know what became of it."""

    text: str


@dataclass(frozen=True, slots=True)
class CancelRefused:
    """The broker will not cancel: there is nothing left to cancel, or never was."""

    code: str
    text: str


Answer = Accepted | Refused | Unanswered

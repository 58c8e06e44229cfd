"""A signal: what a strategy, a stop or a hook said at a moment, why, and what became of it."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal, NewType
from uuid import UUID

from quant.markets.listing import Side

from trading.domain.automation import AutomationId, Mode
from trading.domain.quote import Quote
from trading.domain.request import AccountId, OrderId

SignalId = NewType("SignalId", UUID)
SignalKind = Literal["entry", "exit", "stop_loss", "take_profit", "trailing_stop", "time", "hook"]
PROTECTIVE: Final[frozenset[str]] = frozenset({"stop_loss", "take_profit", "trailing_stop"})


class SignalStatus(StrEnum):
    """Where a signal stands. Everything but `asked` and `waiting` is an end."""

    NOTED = "noted"
    ASKED = "asked"
    WAITING = "waiting"
    ORDERED = "ordered"
    DECLINED = "declined"
    EXPIRED = "expired"
    REFUSED = "refused"
    SKIPPED = "skipped"


TRANSITIONS: Final[dict[SignalStatus, frozenset[SignalStatus]]] = {
    SignalStatus.NOTED: frozenset(),
    SignalStatus.ASKED: frozenset(
        {SignalStatus.WAITING, SignalStatus.DECLINED, SignalStatus.EXPIRED, SignalStatus.SKIPPED}
    ),
    SignalStatus.WAITING: frozenset(
        {SignalStatus.ORDERED, SignalStatus.REFUSED, SignalStatus.EXPIRED, SignalStatus.SKIPPED}
    ),
    SignalStatus.ORDERED: frozenset(),
    SignalStatus.DECLINED: frozenset(),
    SignalStatus.EXPIRED: frozenset(),
    SignalStatus.REFUSED: frozenset(),
    SignalStatus.SKIPPED: frozenset(),
}


class ImpossibleStep(Exception):
    """A signal cannot go from where it is to where it was sent."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A number a rule looked at, and what it was: as text, to the last bit."""

    text: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """One signal. `price` is the close of its bar, or the price that touched a stop; `target` what a portfolio's
    position is to be worth, None where the automation's own size or all of it is meant.

    `act_on` is the trading day whose session it may be acted on in, None for any; `valid_until` is wall clock.
    """

    id: SignalId
    automation_id: AutomationId
    account_id: AccountId
    symbol: str
    side: Side
    kind: SignalKind
    price: Decimal
    target: Decimal | None = None
    bar: datetime | None
    reasons: tuple[Reason, ...] = field(default=())
    mode: Mode
    status: SignalStatus
    act_on: date | None
    raised_at: datetime
    valid_until: datetime
    answer_until: datetime | None = None
    decided_by: str | None = None
    trip_id: UUID | None = None
    order_id: OrderId | None = None
    detail: str | None = None
    settled_at: datetime | None = None

    def then(self, status: SignalStatus, at: datetime, detail: str | None = None) -> "Signal":
        """The signal one step further.

        Raises:
            ImpossibleStep: when the table has no such step.
        """
        if status not in TRANSITIONS[self.status]:
            raise ImpossibleStep(f"a signal that is {self.status} cannot become {status}")
        settled = at if not TRANSITIONS[status] else None
        return replace(self, status=status, detail=detail, settled_at=settled)

    def of_order(self, order_id: OrderId, trip_id: UUID | None) -> "Signal":
        """The signal, knowing its order and the trip it belongs to."""
        return replace(self, order_id=order_id, trip_id=trip_id)

    def approved(self, by: str, valid_until: datetime) -> "Signal":
        """The signal after somebody said yes."""
        return replace(
            self.then(SignalStatus.WAITING, self.raised_at), decided_by=by, valid_until=valid_until, settled_at=None
        )

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will become of it."""
        return not TRANSITIONS[self.status]


def first_status(mode: Mode, kind: SignalKind) -> SignalStatus:
    """Where a signal begins: what protects money already invested is asked about nobody."""
    if mode == "notify":
        return SignalStatus.NOTED
    if mode == "ask" and kind not in PROTECTIVE:
        return SignalStatus.ASKED
    return SignalStatus.WAITING


def timing(signal: Signal, quote: Quote | None, now: datetime) -> Literal["act", "wait", "late"]:
    """Whether the moment of a signal that waits has come, is still to come, or has passed.

    One meant for a session is acted on at the first price of that session, be it today or replayed.
    """
    if now > signal.valid_until:
        return "late"
    if quote is None or not quote.is_regular_session:
        return "wait"
    if signal.act_on is None:
        return "act"
    if quote.trading_date > signal.act_on:
        return "late"
    return "act" if quote.trading_date == signal.act_on else "wait"

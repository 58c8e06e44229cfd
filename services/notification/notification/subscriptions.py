"""What we listen to: the fields we read of it, where it goes on the stream, and whether it deserves a notice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID

from kit.consumer import Later, Subscriptions, take
from kit.db import Session
from kit.events import Envelope
from kit.money import Money
from pydantic import BaseModel

from notification.domain import notice
from notification.domain.notice import Notice, OrderSeen
from notification.domain.owner import OwnerId
from notification.domain.stream import Entry, EntryType
from notification.resources import Resources
from notification.usecases.erase_owner import erase_owner
from notification.usecases.tell_owner import Publish, Told, tell_owner

CONSUMER: Final = "notification"


class PassedOn(BaseModel):
    """Nothing of it is read: it goes on the stream as it came."""


class OrderFact(BaseModel):
    """What a notice tells of an order."""

    id: UUID
    account_id: UUID
    symbol: str
    side: str
    quantity: Money
    currency: str
    average_price: Money | None
    fee: Money
    tax: Money
    reason: str | None

    def seen(self) -> OrderSeen:
        """Return it in the domain's words."""
        return OrderSeen(
            order_id=str(self.id),
            account_id=str(self.account_id),
            symbol=self.symbol,
            side=self.side,
            quantity=self.quantity,
            currency=self.currency,
            average_price=self.average_price,
            fee=self.fee,
            tax=self.tax,
            reason=self.reason,
        )


class RunFact(BaseModel):
    """What a notice tells of a computation."""

    run_id: UUID
    kind: str
    status: str


class HaltFact(BaseModel):
    """What a notice tells of the kill switch."""

    level: str
    mode: str | None


class LedgerFact(BaseModel):
    """What an alarm tells of books that do not add up."""

    account_id: UUID
    faults: int


class SilentFact(BaseModel):
    """What an alarm tells of an order its broker says nothing about."""

    order_id: UUID
    account_id: UUID
    status: str


@dataclass(frozen=True, slots=True)
class Telling:
    """What is read of a message, and what the owner is told."""

    model: type[BaseModel]
    entry_type: EntryType | None = None
    notice_of: Callable[[Any], Notice] | None = None


TELLINGS: Mapping[str, Telling] = {
    "trading.order.accepted.v1": Telling(PassedOn, "order"),
    "trading.order.partially_filled.v1": Telling(PassedOn, "order"),
    "trading.order.canceled.v1": Telling(PassedOn, "order"),
    "trading.order.expired.v1": Telling(PassedOn, "order"),
    "trading.order.unknown.v1": Telling(PassedOn, "order"),
    "trading.order.filled.v1": Telling(OrderFact, "order", lambda fact: notice.of_fill(fact.seen())),
    "trading.order.denied.v1": Telling(OrderFact, "order", lambda fact: notice.of_denial(fact.seen())),
    "trading.order.rejected.v1": Telling(OrderFact, "order", lambda fact: notice.of_rejection(fact.seen())),
    "trading.execution.recorded.v1": Telling(PassedOn, "execution"),
    "trading.position.changed.v1": Telling(PassedOn, "position"),
    "trading.balance.changed.v1": Telling(PassedOn, "balance"),
    "trading.halt.changed.v1": Telling(HaltFact, None, lambda fact: notice.of_halt(fact.level, fact.mode)),
    "trading.ledger.disproved.v1": Telling(
        LedgerFact, None, lambda fact: notice.of_disproved_ledger(str(fact.account_id), fact.faults)
    ),
    "trading.order.silent.v1": Telling(
        SilentFact, None, lambda fact: notice.of_silent_order(str(fact.order_id), str(fact.account_id), fact.status)
    ),
    "backtest.run.finished.v1": Telling(
        RunFact, None, lambda fact: notice.of_run(str(fact.run_id), fact.kind, fact.status)
    ),
}


LEAVING: Final = ("auth.user.erased.v1", "trading.owner.erased.v1", "backtest.owner.erased.v1")
"""Somebody left; the others' last words about them come before they say that they forgot them, and go then as well."""


class UserErasedFact(BaseModel):
    """Who has left."""

    user_id: UUID


async def _user_erased(resources: Resources, fact: UserErasedFact, message: Envelope) -> None:
    """Forget them, as the worker role: what is theirs may not all be theirs to delete."""
    async with resources.database.system() as session:
        if not await take(session, message.id, CONSUMER):
            return
        if not await erase_owner(session, fact.user_id):
            raise Later("facts of theirs are still being published")


def subscribe(publish: Publish) -> Subscriptions:
    """Listen to all of it; `publish` is given what owners were told, after the commit."""
    table = Subscriptions(CONSUMER)
    for event_type, telling in TELLINGS.items():
        table.on(event_type, telling.model)(partial(_tell, telling, publish))
    for event_type in LEAVING:
        table.on(event_type, UserErasedFact, phases=True)(_user_erased)
    return table


async def _tell(telling: Telling, publish: Publish, session: Session, fact: Any, message: Envelope) -> None:
    if message.owner is None:
        return  # a halt of everybody: the web says so to everybody
    entry = None if telling.entry_type is None else Entry(telling.entry_type, message.data)
    deserved = None if telling.notice_of is None else telling.notice_of(fact)
    tell_owner(session, OwnerId(message.owner), Told(message.id, entry, deserved, message.time), publish)


subscriptions = subscribe(lambda _owner, _entries: None)
"""For those who only read what we listen to, as the contracts do; the worker's table publishes."""

"""What we listen to: the fields we read of it, where it goes on the stream, and whether it deserves a notice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID

from kit.consumer import Later, Subscriptions, take
from kit.db import Session
from kit.events import Envelope
from kit.money import Money
from pydantic import AwareDatetime, BaseModel
from quant.markets.intervals import closed_with

from notification.domain import notice, signal_notice
from notification.domain.notice import Notice, OrderSeen
from notification.domain.owner import OwnerId
from notification.domain.signal_notice import SignalSeen
from notification.domain.stream import Entry, EntryType
from notification.resources import Resources
from notification.store import locks, system
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


class FilledFact(OrderFact):
    """What a notice tells of an order after a fill."""

    status: str


class FillFact(BaseModel):
    """A fill, with what it made of the order; the rest goes on the stream as it came."""

    order: FilledFact

    def notice(self) -> Notice | None:
        """Return what the owner is told: nothing while a part is still open, or when it was canceled before."""
        return notice.of_fill(self.order.seen()) if self.order.status == "filled" else None


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


class HelpFact(BaseModel):
    """What an alarm tells of an order that cannot be told from others at its broker."""

    order_id: UUID
    account_id: UUID
    text: str


class RefusedFact(BaseModel):
    """What an alarm tells of credentials that a broker does not take any more."""

    connection_id: UUID
    broker: str
    text: str


class DifferenceFact(BaseModel):
    """What the broker shows, and what is booked here."""

    what: str
    here: Money
    there: Money


class MismatchFact(BaseModel):
    """What an alarm tells of an account that is not as its broker shows it."""

    account_id: UUID
    differences: list[DifferenceFact]

    def notice(self) -> Notice:
        """Return what the owner is told."""
        seen = [(each.what, each.here, each.there) for each in self.differences]
        return notice.of_mismatch(str(self.account_id), seen)


class ReasonFact(BaseModel):
    """A number a rule looked at."""

    text: str
    value: str


class SignalFact(BaseModel):
    """What a notice tells of a signal."""

    signal_id: UUID
    automation_name: str
    symbol: str
    side: str
    kind: str
    price: Money
    status: str
    reasons: list[ReasonFact]
    detail: str | None

    def seen(self) -> SignalSeen:
        """Return it in the domain's words."""
        return SignalSeen(
            signal_id=str(self.signal_id),
            automation=self.automation_name,
            symbol=self.symbol,
            side=self.side,
            kind=self.kind,
            price=self.price,
            status=self.status,
            reasons=[(reason.text, reason.value) for reason in self.reasons],
            detail=self.detail,
        )


class AutomationFact(BaseModel):
    """What a notice tells of an automation."""

    automation_id: UUID
    name: str
    status: str
    reason: str | None


class MissedFact(BaseModel):
    """Whose prices do not come, since when, and which automations wait for them."""

    market: str
    source: str
    last_heard_at: AwareDatetime
    automations: list[str]


class RegainedFact(BaseModel):
    """Whose prices come again, how long they did not, and which automations waited."""

    market: str
    source: str
    silent_seconds: int
    automations: list[str]


class HookFact(BaseModel):
    """What is wrong with a hook."""

    hook_id: UUID
    name: str
    trouble: str


class ReportFact(BaseModel):
    """What an automation found wrong before the open or after the close."""

    automation_id: UUID
    name: str
    phase: str
    problems: list[str]


@dataclass(frozen=True, slots=True)
class Telling:
    """What is read of a message, and what the owner is told."""

    model: type[BaseModel]
    entry_type: EntryType | None = None
    notice_of: Callable[[Any], Notice | None] | None = None
    parts: tuple[EntryType, ...] = ()
    """The fields that are entries of their own, in the order in which they are told; one that is null is none."""

    def entries(self, data: Mapping[str, Any]) -> tuple[Entry, ...]:
        """Return what goes on the stream: what is not a part as one entry, if it has a type, and the parts."""
        parts = [Entry(part, data[part]) for part in self.parts if data.get(part) is not None]
        if self.entry_type is None:
            return tuple(parts)
        whole = {name: value for name, value in data.items() if name not in self.parts} if self.parts else data
        return (Entry(self.entry_type, whole), *parts)


TELLINGS: Mapping[str, Telling] = {
    "trading.fill.booked.v1": Telling(FillFact, None, FillFact.notice, ("execution", "order", "position", "balance")),
    "trading.order.accepted.v1": Telling(PassedOn, "order", parts=("balance",)),
    "trading.order.partially_filled.v1": Telling(PassedOn, "order"),
    "trading.order.canceled.v1": Telling(PassedOn, "order"),
    "trading.order.expired.v1": Telling(PassedOn, "order"),
    "trading.order.unknown.v1": Telling(PassedOn, "order", parts=("balance",)),
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
    "auth.second_factor.reset.v1": Telling(PassedOn, None, lambda _fact: notice.of_second_factor_reset()),
    "trading.account.mismatched.v1": Telling(MismatchFact, None, MismatchFact.notice),
    "broker.order.needs_human.v1": Telling(
        HelpFact, None, lambda fact: notice.of_doubtful_order(str(fact.order_id), str(fact.account_id), fact.text)
    ),
    "broker.connection.refused.v1": Telling(
        RefusedFact, None, lambda fact: notice.of_refused_key(str(fact.connection_id), fact.broker, fact.text)
    ),
    "trading.signal.raised.v1": Telling(SignalFact, "signal", lambda fact: signal_notice.of_signal(fact.seen())),
    "trading.signal.settled.v1": Telling(
        SignalFact, "signal", lambda fact: signal_notice.of_settled_signal(fact.seen())
    ),
    "trading.automation.changed.v1": Telling(
        AutomationFact,
        None,
        lambda fact: signal_notice.of_automation(str(fact.automation_id), fact.name, fact.status, fact.reason),
    ),
    "trading.automation.reported.v1": Telling(
        ReportFact,
        None,
        lambda fact: signal_notice.of_report(str(fact.automation_id), fact.name, fact.phase, fact.problems),
    ),
    "trading.prices.missed.v1": Telling(
        MissedFact,
        None,
        lambda fact: signal_notice.of_missed_prices(fact.market, fact.source, fact.last_heard_at, fact.automations),
    ),
    "trading.prices.regained.v1": Telling(
        RegainedFact,
        None,
        lambda fact: signal_notice.of_regained_prices(fact.market, fact.source, fact.silent_seconds, fact.automations),
    ),
    "trading.hook.troubled.v1": Telling(
        HookFact, None, lambda fact: signal_notice.of_hook(str(fact.hook_id), fact.name, fact.trouble)
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


class LockedFact(BaseModel):
    """Whether an account is closed."""

    locked: bool


async def _permissions_changed(session: Session, fact: LockedFact, message: Envelope) -> None:
    """A chat of somebody whose account is closed gives no commands until it is opened again."""
    assert message.owner is not None, "permissions are somebody's"
    await locks.save(session, OwnerId(message.owner), locked=fact.locked)


class BarFact(BaseModel):
    """Which bar has closed."""

    symbol: str
    interval: Literal["1m", "1d"]
    start: AwareDatetime


async def _bar_closed(session: Session, fact: BarFact, message: Envelope) -> None:
    """Write down what rules are now to be judged on; longer bars close with their last minute."""
    for interval, start in closed_with(fact.interval, fact.start).items():
        await system.save_due(session, fact.symbol, interval, start, message.time)


def subscribe(publish: Publish, told_until: datetime | None = None) -> Subscriptions:
    """Listen to all of it.

    Args:
        publish: is given what owners were told, after the commit.
        told_until: people were told of what happened until then before the platform was restored from a backup: it
            still reaches their streams, but is no notice.
    """
    table = Subscriptions(CONSUMER)
    for event_type, telling in TELLINGS.items():
        table.on(event_type, telling.model)(partial(_tell, publish, told_until))
    table.on("auth.permissions.changed.v1", LockedFact)(_permissions_changed)
    table.on("market.bar.closed.v1", BarFact)(_bar_closed)
    for event_type in LEAVING:
        table.on(event_type, UserErasedFact, phases=True)(_user_erased)
    return table


def told_of(told_until: datetime | None, fact: Any, message: Envelope) -> Told | None:
    """Return what a fact tells the owner of its message; None for facts that are not for telling."""
    telling = TELLINGS.get(message.type)
    if telling is None:
        return None
    is_told = told_until is not None and message.time <= told_until
    deserved = None if telling.notice_of is None or is_told else telling.notice_of(fact)
    return Told(message.id, telling.entries(message.data), deserved, message.time)


async def _tell(publish: Publish, told_until: datetime | None, session: Session, fact: Any, message: Envelope) -> None:
    told = told_of(told_until, fact, message)
    if message.owner is not None and told is not None:  # a halt of everybody: the web says so to everybody
        tell_owner(session, OwnerId(message.owner), told, publish)


subscriptions = subscribe(lambda _owner, _entries: None)
"""For those who only read what we listen to, as the contracts do; the worker's table publishes."""

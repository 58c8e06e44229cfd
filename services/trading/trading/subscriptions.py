"""What we listen to: the broker's answers, each with the fields we read and the use case that handles it."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal
from uuid import UUID

from kit.consumer import Later, Subscriptions, take
from kit.db import Session, before_commit, notes
from kit.events import Envelope
from kit.money import Money
from pydantic import AwareDatetime, BaseModel, Field
from quant.markets.intervals import closed_with

from trading.account_reports import AccountFact, account_reported
from trading.domain.account import Connection, Environment
from trading.domain.comparison import Submit
from trading.domain.halt import Halt, HaltMode
from trading.domain.order import BrokerWord, Happening
from trading.domain.replacement import Terms
from trading.domain.request import AccountId, Execution, OrderId
from trading.errors import OrderNotFound
from trading.resources import Resources
from trading.store import belongings, signals
from trading.store.automation import system as automation_system
from trading.store.automation.system import ClosedBar
from trading.store.rights import Rights
from trading.usecases.compare_submits import compare_submits
from trading.usecases.decide_signal import Decision, decide_signal
from trading.usecases.halt_trading import halt_trading
from trading.usecases.miss_prices import miss_prices
from trading.usecases.record_broker_answer import Answer, record_broker_answer
from trading.usecases.record_connection import record_connection
from trading.usecases.record_execution import record_execution
from trading.usecases.record_replacement import ReplaceAnswer, record_replacement
from trading.usecases.record_rights import record_rights
from trading.usecases.record_strategy import Published, record_strategy
from trading.usecases.regain_prices import regain_prices

AMOUNT_MAX = 1_000_000_000
EXECUTION_ID_LENGTH_MAX = 200
BROKER_LENGTH_MAX = 32


EXECUTED = "broker.order.executed.v1"
subscriptions = Subscriptions("trading")

Positive = Annotated[Money, Field(gt=0, le=AMOUNT_MAX)]
NotNegative = Annotated[Money, Field(ge=0, le=AMOUNT_MAX)]


class OrderFact(BaseModel):
    """Which order it is about."""

    order_id: UUID
    account_id: UUID


class RefusalFact(OrderFact):
    """What the broker says no to, and why."""

    code: str
    text: str


class SilenceFact(OrderFact):
    """What the broker did not answer."""

    text: str


class ReplacedFact(OrderFact):
    """What an order asks for now; `quantity` is the new total."""

    replace_id: UUID
    quantity: Positive
    limit_price: Annotated[Money, Field(gt=0, le=AMOUNT_MAX)] | None


class ReplaceRefusalFact(RefusalFact):
    """Which replacement the broker says no to."""

    replace_id: UUID


class ExecutionFact(OrderFact):
    """A fill."""

    execution_id: Annotated[str, Field(min_length=1, max_length=EXECUTION_ID_LENGTH_MAX)]
    quantity: Positive
    price: Positive
    fee: NotNegative
    tax: NotNegative
    trade_date: date
    settlement_date: date
    executed_at: AwareDatetime

    def execution(self) -> Execution:
        """The fill in the domain's words."""
        fields = dict(self) | {"order_id": OrderId(self.order_id), "account_id": AccountId(self.account_id)}
        return Execution(**fields)


class ConnectionFact(BaseModel):
    """A connection that was made, or taken away."""

    connection_id: UUID
    broker: Annotated[str, Field(min_length=1, max_length=BROKER_LENGTH_MAX)]
    environment: Environment
    change: Literal["saved", "deleted"]


@subscriptions.on("broker.connection.changed.v1", ConnectionFact)
async def connection_changed(session: Session, fact: ConnectionFact, message: Envelope) -> None:
    """Accounts may be bound to it, or no longer."""
    connection = Connection(id=fact.connection_id, broker=fact.broker, environment=fact.environment)
    await record_connection(session, _owner(message), connection, fact.change)


async def _answered(
    session: Session,
    message: Envelope,
    fact: OrderFact,
    happening: BrokerWord,
    why: tuple[str | None, str | None] = (None, None),
) -> None:
    answer = Answer(
        order_id=OrderId(fact.order_id),
        account_id=AccountId(fact.account_id),
        happening=happening,
        reason=why[0],
        detail=why[1],
    )
    try:
        await record_broker_answer(session, _owner(message), answer, message.time)
    except OrderNotFound as early:
        raise Later(early.detail) from early


@subscriptions.on("broker.order.accepted.v1", OrderFact)
async def order_accepted(session: Session, fact: OrderFact, message: Envelope) -> None:
    """The broker has the order."""
    await _answered(session, message, fact, Happening.ACCEPTED)


@subscriptions.on("broker.order.rejected.v1", RefusalFact)
async def order_rejected(session: Session, fact: RefusalFact, message: Envelope) -> None:
    """The broker or the exchange refused the order."""
    await _answered(session, message, fact, Happening.REJECTED, (fact.code, fact.text))


@subscriptions.on("broker.order.canceled.v1", OrderFact)
async def order_canceled(session: Session, fact: OrderFact, message: Envelope) -> None:
    """What was not filled will not be."""
    await _answered(session, message, fact, Happening.CANCELED)


@subscriptions.on("broker.order.cancel_rejected.v1", RefusalFact)
async def cancel_rejected(session: Session, fact: RefusalFact, message: Envelope) -> None:
    """The order stays as it is: it cannot be canceled."""
    await _answered(session, message, fact, Happening.CANCEL_REJECTED, (None, fact.text))


async def _replacement(session: Session, message: Envelope, answer: ReplaceAnswer) -> None:
    try:
        await record_replacement(session, _owner(message), answer, message.time)
    except OrderNotFound as early:
        raise Later(early.detail) from early


@subscriptions.on("broker.order.replaced.v1", ReplacedFact)
async def order_replaced(session: Session, fact: ReplacedFact, message: Envelope) -> None:
    """The order asks for something else now."""
    terms = Terms(replace_id=fact.replace_id, quantity=fact.quantity, limit_price=fact.limit_price)
    answer = ReplaceAnswer(
        order_id=OrderId(fact.order_id),
        account_id=AccountId(fact.account_id),
        replace_id=fact.replace_id,
        terms=terms,
    )
    await _replacement(session, message, answer)


@subscriptions.on("broker.order.replace_rejected.v1", ReplaceRefusalFact)
async def replace_rejected(session: Session, fact: ReplaceRefusalFact, message: Envelope) -> None:
    """The order stays as it was."""
    answer = ReplaceAnswer(
        order_id=OrderId(fact.order_id),
        account_id=AccountId(fact.account_id),
        replace_id=fact.replace_id,
        terms=None,
        detail=fact.text,
    )
    await _replacement(session, message, answer)


@subscriptions.on("broker.order.expired.v1", OrderFact)
async def order_expired(session: Session, fact: OrderFact, message: Envelope) -> None:
    """The order's time ran out."""
    await _answered(session, message, fact, Happening.EXPIRED)


@subscriptions.on("broker.order.unknown.v1", SilenceFact)
async def order_unknown(session: Session, fact: SilenceFact, message: Envelope) -> None:
    """The broker did not answer."""
    await _answered(session, message, fact, Happening.UNKNOWN, (None, fact.text))


@subscriptions.on(EXECUTED, ExecutionFact)
async def order_executed(session: Session, fact: ExecutionFact, message: Envelope) -> None:
    """Shares changed hands."""
    try:
        await record_execution(session, _owner(message), fact.execution(), message.time)
    except OrderNotFound as early:
        raise Later(early.detail) from early


subscriptions.on("broker.account.reported.v1", AccountFact, phases=True)(account_reported)


class SubmitFact(BaseModel):
    """An order as its broker saw it."""

    order_id: UUID
    owner: UUID | None
    account_id: str
    symbol: str
    side: str
    quantity: Money
    limit_price: Money | None


class SubmitsFact(BaseModel):
    """What a broker was sent lately."""

    broker: str
    submits: list[SubmitFact]


@subscriptions.on("broker.submits.reported.v1", SubmitsFact)
async def submits_reported(session: Session, fact: SubmitsFact, message: Envelope) -> None:
    """Compare it with what was approved."""
    seen = [Submit(**{**dict(each), "order_id": OrderId(each.order_id)}) for each in fact.submits]
    await compare_submits(session, fact.broker, seen, message.time)


class UserErasedFact(BaseModel):
    """Who has left."""

    user_id: UUID


@subscriptions.on("auth.user.erased.v1", UserErasedFact, phases=True)
async def user_erased(resources: Resources, fact: UserErasedFact, message: Envelope) -> None:
    """Halt and cancel whatever they have open; a job forgets them when the brokers have answered."""
    owner = fact.user_id
    halt = Halt(level="user", scope_id=owner, mode=HaltMode.HALTED, reason=None, halted_at=message.time)
    async with resources.database.owned(owner) as session:
        await halt_trading(session, owner, halt, message.time)
    async with resources.database.system() as session:
        if await take(session, message.id, subscriptions.consumer):
            await belongings.save_leaver(session, owner, message.time)


class PermissionsFact(BaseModel):
    """What somebody may do from now on."""

    user_id: UUID
    permissions: list[str]
    locked: bool


@subscriptions.on("auth.permissions.changed.v1", PermissionsFact)
async def permissions_changed(session: Session, fact: PermissionsFact, message: Envelope) -> None:
    """Remember whether they may trade with real money; what would buy by itself stops when they may not."""
    live = "real" in fact.permissions and not fact.locked
    await record_rights(session, fact.user_id, Rights(live=live, told_at=message.time), message.time)


class PublishedFact(BaseModel):
    """A version of a strategy, and all of it."""

    strategy_id: UUID
    version: Annotated[int, Field(ge=1, le=AMOUNT_MAX)]
    name: str
    document: dict[str, Any]


@subscriptions.on("backtest.strategy.published.v1", PublishedFact)
async def strategy_published(session: Session, fact: PublishedFact, message: Envelope) -> None:
    """Keep a copy: automations follow it even while backtest is away."""
    published = Published(strategy_id=fact.strategy_id, version=fact.version, name=fact.name, document=fact.document)
    await record_strategy(session, _owner(message), published, message.time)


class BarFact(BaseModel):
    """Which bar has closed."""

    symbol: str
    market: str
    interval: Literal["1m", "1d"]
    start: AwareDatetime


@subscriptions.on("market.bar.closed.v1", BarFact)
async def bar_closed(session: Session, fact: BarFact, message: Envelope) -> None:
    """Write down what it makes due; a longer bar closes with the last minute of it.

    All that close at one minute are told at once: they are written down together, and the automator is woken once.
    """
    closed: list[ClosedBar] = notes(session).setdefault("closed bars", [])
    closed += [
        ClosedBar(fact.market, fact.symbol, interval, start, message.time)
        for interval, start in closed_with(fact.interval, fact.start).items()
    ]
    before_commit(session, "closed bars", partial(_make_due, session, closed))


async def _make_due(session: Session, closed: Sequence[ClosedBar]) -> None:
    if await automation_system.save_due_by_bars(session, closed):
        await automation_system.wake(session)


class StallFact(BaseModel):
    """Which feed is silent although its market is open, and since when."""

    market: str
    source: str
    last_heard_at: AwareDatetime


@subscriptions.on("market.feed.stalled.v1", StallFact)
async def feed_stalled(session: Session, fact: StallFact, _message: Envelope) -> None:
    """Whoever counts on its prices should know."""
    await miss_prices(session, fact.market, fact.source, fact.last_heard_at)


class RecoveryFact(BaseModel):
    """Which feed is heard again, and how long it was silent."""

    market: str
    source: str
    silent_seconds: int


@subscriptions.on("market.feed.recovered.v1", RecoveryFact)
async def feed_recovered(session: Session, fact: RecoveryFact, _message: Envelope) -> None:
    """Whoever was told that its prices do not come should know that they do."""
    await regain_prices(session, fact.market, fact.source, fact.silent_seconds)


class HaltWish(BaseModel):
    """Somebody asked for the kill switch from outside: by which channel."""

    channel: Annotated[str, Field(min_length=1, max_length=40)]


@subscriptions.on("notification.halt.requested.v1", HaltWish)
async def halt_requested(session: Session, fact: HaltWish, message: Envelope) -> None:
    """Halt everything the owner has: no new orders, and the open ones are withdrawn."""
    owner = _owner(message)
    reason = f"asked for by {fact.channel}"
    halt = Halt(level="user", scope_id=owner, mode=HaltMode.HALTED, reason=reason, halted_at=message.time)
    await halt_trading(session, owner, halt, message.time)


class DecisionWish(BaseModel):
    """Somebody answered a signal from outside: the end of its id, what they said, and by which channel."""

    code: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    decision: Decision
    channel: Annotated[str, Field(min_length=1, max_length=40)]


@subscriptions.on("notification.signal.decided.v1", DecisionWish)
async def signal_decided(session: Session, fact: DecisionWish, message: Envelope) -> None:
    """Answer the signal; one that asks no more stays as it is, and its owner has been told what became of it."""
    owner = _owner(message)
    signal = await signals.find_asked(session, owner, fact.code)
    if signal is None or signal.answer_until is None or message.time > signal.answer_until:
        return
    await decide_signal(session, owner, signal.id, (fact.decision, fact.channel), message.time)
    await automation_system.wake(session)


def _owner(message: Envelope) -> UUID:
    assert message.owner is not None, f"{message.type} {message.id} names no owner"
    return message.owner

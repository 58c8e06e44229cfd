"""What trading announces of automations; `events.py` lists it with everything else."""

from datetime import date, datetime
from typing import ClassVar, Self
from uuid import UUID

from kit.events import Event
from kit.money import Money
from pydantic import BaseModel, ConfigDict
from quant.markets.listing import Side

from trading.domain.automation import Automation, Mode, Phase, Status
from trading.domain.signal import Signal, SignalKind, SignalStatus


class ReasonShown(BaseModel):
    """A number a rule looked at, by its text in the rule language; `value` is exact to the last bit."""

    model_config = ConfigDict(frozen=True, extra="forbid", from_attributes=True)

    text: str
    value: str


class SignalFact(Event):
    """A signal, as it is now; `automation_name` is for people."""

    model_config = ConfigDict(from_attributes=True)

    signal_id: UUID
    automation_id: UUID
    automation_name: str
    account_id: UUID
    symbol: str
    side: Side
    kind: SignalKind
    price: Money
    bar: datetime | None
    reasons: list[ReasonShown]
    mode: Mode
    status: SignalStatus
    answer_until: datetime | None
    order_id: UUID | None
    detail: str | None

    @classmethod
    def of(cls, signal: Signal, name: str) -> Self:
        """Tell of a signal."""
        return cls(
            signal_id=signal.id,
            automation_id=signal.automation_id,
            automation_name=name,
            account_id=signal.account_id,
            symbol=signal.symbol,
            side=signal.side,
            kind=signal.kind,
            price=signal.price,
            bar=signal.bar,
            reasons=[ReasonShown.model_validate(each) for each in signal.reasons],
            mode=signal.mode,
            status=signal.status,
            answer_until=signal.answer_until,
            order_id=signal.order_id,
            detail=signal.detail,
        )


class SignalRaised(SignalFact):
    """A strategy, a stop or a hook has said something."""

    TYPE: ClassVar[str] = "trading.signal.raised.v1"
    SUBJECT: ClassVar[str] = "signal_id"


class SignalSettled(SignalFact):
    """It is known what has become of a signal: an order, or why there is none."""

    TYPE: ClassVar[str] = "trading.signal.settled.v1"
    SUBJECT: ClassVar[str] = "signal_id"


class AutomationChanged(Event):
    """An automation was started, paused or stopped, by its owner or by a limit of its own."""

    TYPE: ClassVar[str] = "trading.automation.changed.v1"
    SUBJECT: ClassVar[str] = "automation_id"

    automation_id: UUID
    name: str
    status: Status
    reason: str | None
    cool_off_until: datetime | None

    @classmethod
    def of(cls, automation: Automation) -> Self:
        """Tell how it stands now."""
        return cls(
            automation_id=automation.id,
            name=automation.name,
            status=automation.status,
            reason=automation.reason,
            cool_off_until=automation.cool_off_until,
        )


class AutomationReported(Event):
    """What an automation found before the open, or came to after the close; `problems` are sentences for its owner."""

    TYPE: ClassVar[str] = "trading.automation.reported.v1"
    SUBJECT: ClassVar[str] = "automation_id"

    automation_id: UUID
    name: str
    phase: Phase
    day: date
    bars: int
    signals: int
    orders: int
    profit_today: Money
    problems: list[str]


class PricesMissed(Event):
    """A feed is silent although its market is open, and an owner's automations wait for it; they are named."""

    TYPE: ClassVar[str] = "trading.prices.missed.v1"
    SUBJECT: ClassVar[str] = "source"

    market: str
    source: str
    last_heard_at: datetime
    automations: list[str]


class PricesRegained(Event):
    """A feed that was silent is heard again, and an owner's automations wait for it; they are named."""

    TYPE: ClassVar[str] = "trading.prices.regained.v1"
    SUBJECT: ClassVar[str] = "source"

    market: str
    source: str
    silent_seconds: int
    automations: list[str]


class HookTroubled(Event):
    """A hook is silent for too long, or said what cannot be followed: a sentence for its owner."""

    TYPE: ClassVar[str] = "trading.hook.troubled.v1"
    SUBJECT: ClassVar[str] = "hook_id"

    hook_id: UUID
    name: str
    trouble: str

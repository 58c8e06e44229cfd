"""A strategy: what it is called and what it does; a published version of it never changes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, NewType
from uuid import UUID

from quant.rules import RuleError, compile_rule

FeeSchedule = Literal["default", "institutions_only", "free"]
StrategyId = NewType("StrategyId", UUID)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a strategy does: two rules of the rule language, where it protects itself, how much it buys, at what cost.

    Attributes:
        stop_loss, take_profit: fractions of the entry price, 0.05 = 5 %; `trailing_stop` one of the highest since.
        holding_bars: sell at the open after so many bars, the entry's included.
        portion: the share of the cash that goes into a position.
        fee_schedule: one of `quant.fees.SCHEDULES`.
        slippage: by which fraction orders at market trade worse.
        volume_share: the part of a bar's volume that may be ours; None for no bound.
    """

    entry: str
    exit: str
    stop_loss: Decimal | None
    take_profit: Decimal | None = None
    trailing_stop: Decimal | None = None
    holding_bars: int | None = None
    portion: Decimal = Decimal(1)
    fee_schedule: FeeSchedule = "default"
    slippage: Decimal = Decimal(0)
    volume_share: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """Everything an author writes. Publishing equal content again makes no new version."""

    name: str
    description: str
    rules: Rules


@dataclass(frozen=True, slots=True)
class Strategy:
    """A strategy as its author sees it; `version` is the latest published one."""

    id: StrategyId
    content: Content
    version: int | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Version:
    """Content as it was published, numbered from 1."""

    strategy_id: StrategyId
    number: int
    content: Content
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Mistake:
    """A field that cannot be used, and why; the message of a rule names the column."""

    field: str
    message: str


def mistakes_on(rules: Rules, engine: str) -> list[Mistake]:
    """What keeps rules from being tested by an engine."""
    if rules.volume_share is not None and engine == "compiled":
        said = "the compiled engine fills every order whole: ask for the engine event_driven, or leave this out"
        return [Mistake("volume_share", said)]
    return []


def mistakes_in(rules: Rules) -> list[Mistake]:
    """Everything that keeps the rules from being compiled, by field."""
    found: list[Mistake] = []
    for field, text in (("entry", rules.entry), ("exit", rules.exit)):
        try:
            compile_rule(text)
        except RuleError as error:
            found.append(Mistake(field, str(error)))
    return found

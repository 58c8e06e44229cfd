"""A strategy: what it is called and what it does; a published version of it never changes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import NewType
from uuid import UUID

from quant.rules import RuleError, compile_rule

StrategyId = NewType("StrategyId", UUID)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a strategy does: two rules of the rule language, and how far below the entry it gives up (0.05 = 5 %)."""

    entry: str
    exit: str
    stop_loss: Decimal | None


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


def mistakes_in(rules: Rules) -> list[Mistake]:
    """Everything that keeps the rules from being compiled, by field."""
    found: list[Mistake] = []
    for field, text in (("entry", rules.entry), ("exit", rules.exit)):
        try:
            compile_rule(text)
        except RuleError as error:
            found.append(Mistake(field, str(error)))
    return found

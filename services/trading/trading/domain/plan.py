"""What a published strategy says, as far as acting on it goes: read from its document, and judged bar by bar."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal

from quant.bars import Frame
from quant.rules import Reading, Rule, RuleError, compile_rule, judge

from trading.domain.basket import FIGURES, Basket, read_basket

FORMAT: Final = 1
PORTFOLIO_FORMAT: Final = 2
"""What backtest writes for a strategy of many symbols."""


class UnusableDocument(Exception):
    """A document that cannot be acted on: of a later format, or with a rule that does not compile here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Two rules, where it protects itself (fractions), how long it holds at most, and how much of the cash it uses."""

    entry: Rule
    exit: Rule
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    trailing_stop: Decimal | None = None
    holding_bars: int | None = None
    portion: Decimal = Decimal(1)
    fee_schedule: str = "default"
    basket: Basket | None = None
    """What makes it a strategy of many symbols; its rules are asked of all of them at once."""

    @property
    def bars_needed(self) -> int:
        """How many bars there must be before the rules can speak."""
        if self.basket is not None:
            return self.basket.choosing.look_back + 2
        return max(self.entry.look_back, self.exit.look_back) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the rules say of one closed bar. A bar on which both hold is no entry, as in a backtest."""

    entry: bool
    exit: bool
    readings: tuple[Reading, ...]

    @property
    def wants_in(self) -> bool:
        """Whether it is a bar to buy after."""
        return self.entry and not self.exit


def read_plan(document: Mapping[str, Any]) -> Plan:
    """The plan of a document.

    Raises:
        UnusableDocument: with a sentence for the owner.
    """
    is_of_many = document.get("format") == PORTFOLIO_FORMAT
    if document.get("format") not in {FORMAT, PORTFOLIO_FORMAT}:
        said = f"The strategy is written in format {document.get('format')}, known is {PORTFOLIO_FORMAT}."
        raise UnusableDocument(said)
    try:
        fields = FIGURES if is_of_many else frozenset()
        entry, leave = _compiled(document["entry"], fields), _compiled(document["exit"], fields)
        basket = read_basket(document) if is_of_many else None
    except RuleError as error:
        raise UnusableDocument(f"A rule of the strategy cannot be read: {error}") from error
    stops = document["stops"]
    return Plan(
        entry=entry,
        exit=leave,
        stop_loss=_fraction(stops["stop_loss"]),
        take_profit=_fraction(stops["take_profit"]),
        trailing_stop=_fraction(stops["trailing_stop"]),
        holding_bars=stops["holding_bars"],
        portion=Decimal(document["sizing"]["portion"]),
        fee_schedule=document["costs"]["fee_schedule"],
        basket=basket,
    )


def pronounce(plan: Plan, frame: Frame) -> Verdict:
    """What a plan says of the newest bar of a frame: the very code that backtests, asked about one bar."""
    entry, leave = judge(plan.entry, frame), judge(plan.exit, frame)
    read = {reading.text: reading for reading in (*entry.readings, *leave.readings)}
    return Verdict(entry=entry.holds, exit=leave.holds, readings=tuple(read.values()))


def kind_after(plan: Plan, verdict: Verdict, age: int, *, holds: bool) -> Literal["entry", "exit", "time"] | None:
    """What a verdict asks for, by whether the symbol is held and for how many bars: as a backtest decides it."""
    if not holds:
        return "entry" if verdict.wants_in else None
    if verdict.exit:
        return "exit"
    return "time" if plan.holding_bars is not None and age >= plan.holding_bars else None


@lru_cache(maxsize=512)
def _compiled(text: str, fields: frozenset[str]) -> Rule:
    return compile_rule(text, fields)


def _fraction(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)

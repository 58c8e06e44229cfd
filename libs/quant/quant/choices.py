"""Which symbols of a universe a portfolio holds: on set days the best by rank. Backtests and automations ask alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from quant.bars import Mask
from quant.markets.listing import Board, Kind
from quant.panel import Panel
from quant.rules import Columns, Rule, RuleError, compile_rule, compile_series
from quant.rules.nodes import NumberNode, fields_of, look_back_of

POSITIONS_MAX: Final = 200
FACTORS_MAX: Final = 6
Every = Literal["day", "week", "month", "quarter"]
_MONTHS: Final = {"month": 1, "quarter": 3}
_MONDAY: Final = np.datetime64("1970-01-05")


@dataclass(frozen=True, slots=True)
class Factor:
    """A number to rank by, in the rule language: `roc(252)`, `per`. `weight` below zero ranks the lowest first."""

    text: str
    weight: float = 1.0

    @classmethod
    def written(cls, factor: str, weight: str) -> Self:
        """A factor as a strategy's document writes it."""
        return cls(factor, float(weight))


@dataclass(frozen=True, slots=True)
class Choosing:
    """Which symbols are chosen, how many at most, and when.

    Attributes:
        condition: a rule that must hold at the close of the choice: the filter of the universe.
        unless: a rule that must not; None for nothing.
        factors: the mean of their ranks, weighted, decides; a symbol of which one is unknown is not chosen.
        every: choices are made at the first close of each day, week, month or quarter, and traded at the next open.
        extra_fields: columns beside those of bars that rules may read: figures, as known on each day.
    """

    condition: str
    factors: tuple[Factor, ...]
    positions: int
    every: Every = "month"
    unless: str | None = None
    extra_fields: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        if not 1 <= self.positions <= POSITIONS_MAX:
            raise ValueError(f"positions is a number from 1 to {POSITIONS_MAX}")
        if not 1 <= len(self.factors) <= FACTORS_MAX or not all(one.weight for one in self.factors):
            raise ValueError(f"a ranking has 1 to {FACTORS_MAX} factors, none of weight zero")

    @property
    def rules(self) -> tuple[Rule, Rule | None, list[NumberNode]]:
        """The conditions and the factors, compiled; RuleError for what cannot be read."""
        rule = compile_rule(self.condition, self.extra_fields)
        never = None if self.unless is None else compile_rule(self.unless, self.extra_fields)
        return rule, never, [number_of(factor.text, self.extra_fields) for factor in self.factors]

    @property
    def look_back(self) -> int:
        """How many bars come before the first one on which anything can be chosen."""
        rule, never, numbers = self.rules
        before = never.look_back if never is not None else 0
        return max(rule.look_back, before, *(look_back_of(number) for number in numbers))

    @property
    def figures(self) -> frozenset[str]:
        """Which of the extra fields are read. RuleError for what cannot be."""
        rule, never, numbers = self.rules
        read = rule.fields | (never.fields if never is not None else frozenset())
        return frozenset(read.union(*(fields_of(number) for number in numbers)) & self.extra_fields)


def number_of(text: str, extra_fields: frozenset[str] = frozenset()) -> NumberNode:
    """The one number a text means; RuleError for none, and for an indicator of several parts."""
    columns = compile_series(text, extra_fields)
    if len(columns) > 1:
        parts = ", ".join(f"{text.strip()}.{name}" for name in columns)
        said = f"this has several parts, a ranking needs one of them: {parts}"
        raise RuleError(said, f"값이 여러 개입니다. 하나를 고르세요: {parts}", 1)
    return next(iter(columns.values()))


@dataclass(frozen=True, eq=False)
class Universe:
    """Many symbols' bars, and where each is listed: boards and kinds by symbol, and the first day it is no more.

    `delisted` is NaT for what is still listed. A symbol held when it leaves is paid out at its last close.
    """

    panel: Panel
    boards: Sequence[Board]
    kinds: Sequence[Kind]
    delisted: NDArray[np.datetime64]

    @cached_property
    def days(self) -> NDArray[np.datetime64]:
        """Every day on which anything has a bar."""
        return np.unique(self.panel.dates)

    @cached_property
    def symbol_of(self) -> NDArray[np.int64]:
        """The symbol of each row, by its place."""
        sizes = np.diff(np.append(self.panel.starts, len(self.panel.dates)))
        return np.repeat(np.arange(len(self.panel)), sizes)

    @cached_property
    def place(self) -> NDArray[np.int32]:
        """The row of each symbol (columns) on each day (rows); -1 where it has none."""
        found = np.full((len(self.days), len(self.panel)), -1, dtype=np.int32)
        found[np.searchsorted(self.days, self.panel.dates), self.symbol_of] = np.arange(len(self.panel.dates))
        return found

    @cached_property
    def traded(self) -> Mask:
        """Which rows are bars on which orders can fill."""
        frame = self.panel.frame
        return np.asarray((frame["open"] > 0) & (frame["high"] > 0) & (frame["low"] > 0), dtype=np.bool_)

    @property
    def columns(self) -> Columns:
        """What rules read: on halted days open, high and low are the close, as in `Bars.frame`."""
        frame = dict(self.panel.frame)
        for name in ("open", "high", "low"):
            frame[name] = np.where(self.traded, frame[name], frame["close"])
        return Columns(frame, starts=self.panel.starts)


def choices_of(universe: Universe, spec: Choosing, since: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The days of choices (for each day the row in the second, or -1), and the symbols chosen, by rank, -1 for nobody.

    The first choice is on day `since`, counted from 0. Equals by rank are taken in order of their codes.
    """
    if len(universe.days) < 2:
        raise ValueError("a backtest needs at least two days")
    rule, never, numbers = spec.rules
    columns = universe.columns
    eligible = rule.root.mask(columns) & universe.traded
    if never is not None:
        eligible = eligible & ~never.root.mask(columns)
    scores = [number.series(columns) for number in numbers]
    for score in scores:
        eligible = eligible & np.isfinite(score)
    when = since + np.flatnonzero(_begins(universe.days[since:], spec.every))
    made = np.full(len(universe.days), -1, dtype=np.int64)
    made[when] = np.arange(len(when))
    chosen = np.full((len(when), spec.positions), -1, dtype=np.int64)
    for number, day in enumerate(when.tolist()):
        rows = universe.place[day]
        symbols = np.flatnonzero((rows >= 0) & eligible[rows])
        rank = np.zeros(len(symbols))
        for factor, score in zip(spec.factors, scores, strict=True):
            _, places = np.unique(score[rows[symbols]], return_inverse=True)
            rank -= factor.weight * (places + 1) / max(1, places.max(initial=0) + 1)
        best = symbols[np.argsort(rank, kind="stable")][: spec.positions]
        chosen[number, : len(best)] = best
    return made, chosen


def _begins(days: NDArray[np.datetime64], every: Every) -> Mask:
    """The first day of each period; nothing of the days after it has to be known for that."""
    if every == "day":
        return np.ones(len(days), dtype=np.bool_)
    if every == "week":
        periods = (days - _MONDAY).astype(np.int64) // 7
    else:
        periods = days.astype("datetime64[M]").astype(np.int64) // _MONTHS[every]
    return np.asarray(np.append(True, periods[1:] != periods[:-1]), dtype=np.bool_)

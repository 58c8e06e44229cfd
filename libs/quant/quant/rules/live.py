"""A rule followed bar by bar: the same answers as over whole columns, to the last bit.

Comparisons, logic and arithmetic look at the newest bars only. Indicators are asked of TA-Lib again over the whole
series with each bar: its running sums make the last bits of a value depend on where the series began, and the same
machine code over the same numbers is the one way to get the same bits everywhere. That costs about a microsecond for a
thousand bars, and it is why the history is bounded.
"""

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from quant.bars import Frame, Series
from quant.rules.nodes import (
    ARITHMETIC,
    COMPARISON,
    Arithmetic,
    BooleanNode,
    Columns,
    Comparison,
    Cross,
    Field,
    Logic,
    Not,
    Number,
    NumberNode,
    Output,
)
from quant.rules.rule import Rule

BARS_MAX: Final = 100_000
_ROOM_MIN: Final = 1_024


class LiveRule:
    """A rule and the bars it has seen, oldest first, from the bar its series begins with."""

    def __init__(self, rule: Rule, history: Frame | None = None) -> None:
        self.rule = rule
        self._names = tuple(sorted(rule.fields)) or ("close",)  # a rule of constants has a length as well
        past = {} if history is None else {name: np.asarray(history[name], dtype=np.float64) for name in self._names}
        self._size = len(next(iter(past.values()), ()))
        if self._size > BARS_MAX:
            raise ValueError(f"a rule can follow {BARS_MAX} bars, not {self._size}: begin later")
        self._room = {name: np.empty(max(2 * self._size, _ROOM_MIN)) for name in self._names}
        for name, values in past.items():
            self._room[name][: self._size] = values

    def __len__(self) -> int:
        return self._size

    def push(self, bar: Mapping[str, float]) -> bool:
        """Take a closed bar in, and say whether the rule holds on it. ValueError when there is no room for more."""
        self._write(bar)
        self._size += 1
        return self._holds_at(self._size)

    def peek(self, bar: Mapping[str, float]) -> bool:
        """Say whether the rule would hold if the bar that is forming closed like this."""
        self._write(bar)
        return self._holds_at(self._size + 1)

    def _write(self, bar: Mapping[str, float]) -> None:
        if self._size >= BARS_MAX:
            raise ValueError(f"a rule can follow {BARS_MAX} bars: begin again with a later one")
        for name in self._names:
            room = self._room[name]
            if self._size == len(room):
                self._room[name] = room = np.concatenate([room, np.empty(len(room))])
            room[self._size] = bar[name]

    def _holds_at(self, size: int) -> bool:
        columns = Columns({name: room[:size] for name, room in self._room.items()})
        return _holds(self.rule.root, columns, size - 1)


def _holds(node: BooleanNode, columns: Columns, place: int) -> bool:
    match node:
        case Comparison(sign, left, right):
            one, other = number_at(left, columns, place), number_at(right, columns, place)
            return bool(COMPARISON[sign](one, other)) and not (math.isnan(one) or math.isnan(other))
        case Cross(direction, left, right):
            if direction == "below":
                left, right = right, left
            return place > 0 and bool(
                number_at(left, columns, place) > number_at(right, columns, place)
                and number_at(left, columns, place - 1) <= number_at(right, columns, place - 1)
            )
        case Logic(word, parts):
            answers = (_holds(part, columns, place) for part in parts)
            return all(answers) if word == "and" else any(answers)
        case Not(part):
            return not _holds(part, columns, place)


def number_at(node: NumberNode, columns: Columns, place: int) -> float:
    """A number of a rule on one bar; NaN while it is unknown."""
    match node:
        case Number(value):
            return value
        case Field(name):
            return float(columns.frame[name][place])
        case Output():
            series: Series = node.series(columns)
            return float(series[place])
        case Arithmetic(sign, left, right):
            with np.errstate(all="ignore"):
                result = ARITHMETIC[sign](number_at(left, columns, place), number_at(right, columns, place))
            return float(result) if np.isfinite(result) else math.nan

"""The compiled form of a rule: a small tree of values, each knowing its type and its column of results.

Nodes are immutable and compare by content, so equal parts of different rules share one computation in a `Memo`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, cast

import numpy as np

from quant.bars import Frame, Mask, Series
from quant.indicators import REGISTRY, compute

Type = Literal["number", "boolean"]
ArithmeticSign = Literal["+", "-", "*", "/"]
ComparisonSign = Literal["<", "<=", ">", ">=", "==", "!="]

# Results of indicators by (indicator with its parameters and series): all outputs of one call are computed together.
Memo = dict["Call", dict[str, Series]]

_ARITHMETIC: Final = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
_COMPARISON: Final = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number written in the rule."""

    value: float
    type: ClassVar[Type] = "number"

    def series(self, frame: Frame, memo: Memo) -> Series:  # noqa: ARG002 - every number answers alike
        return np.full(_length(frame), self.value)


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the frame."""

    name: str
    type: ClassVar[Type] = "number"

    def series(self, frame: Frame, memo: Memo) -> Series:  # noqa: ARG002 - every number answers alike
        if self.name not in frame:
            raise ValueError(f"the rule reads {self.name!r}, which these bars do not have")
        return frame[self.name]


@dataclass(frozen=True, slots=True)
class Call:
    """An indicator with its parameters bound, over its own fields or over another series."""

    name: str
    parameters: tuple[float, ...]
    source: "NumberNode | None"

    def results(self, frame: Frame, memo: Memo) -> dict[str, Series]:
        """All outputs, computed once per memo."""
        if self not in memo:
            series = None if self.source is None else self.source.series(frame, memo)
            memo[self] = compute(self.name, frame, self.parameters, series)
        return memo[self]


@dataclass(frozen=True, slots=True)
class Output:
    """One output of an indicator."""

    call: Call
    output: str
    type: ClassVar[Type] = "number"

    def series(self, frame: Frame, memo: Memo) -> Series:
        return self.call.results(frame, memo)[self.output]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers combined; a division by zero is unknown (NaN), not infinite."""

    sign: ArithmeticSign
    left: "NumberNode"
    right: "NumberNode"
    type: ClassVar[Type] = "number"

    def series(self, frame: Frame, memo: Memo) -> Series:
        with np.errstate(all="ignore"):
            result = _ARITHMETIC[self.sign](self.left.series(frame, memo), self.right.series(frame, memo))
        return np.where(np.isfinite(result), result, np.nan)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two numbers compared; False wherever one of them is unknown, for != too."""

    sign: ComparisonSign
    left: "NumberNode"
    right: "NumberNode"
    type: ClassVar[Type] = "boolean"

    def mask(self, frame: Frame, memo: Memo) -> Mask:
        left, right = self.left.series(frame, memo), self.right.series(frame, memo)
        result = cast("Mask", _COMPARISON[self.sign](left, right))
        if self.sign == "!=":
            result &= ~(np.isnan(left) | np.isnan(right))
        return result


@dataclass(frozen=True, slots=True)
class Cross:
    """True on the bar where left comes to lie above (below) right, having not done so on the bar before."""

    direction: Literal["above", "below"]
    left: "NumberNode"
    right: "NumberNode"
    type: ClassVar[Type] = "boolean"

    def mask(self, frame: Frame, memo: Memo) -> Mask:
        left, right = self.left.series(frame, memo), self.right.series(frame, memo)
        if self.direction == "below":
            left, right = right, left
        result = left > right
        result[1:] &= left[:-1] <= right[:-1]
        result[:1] = False
        return result


@dataclass(frozen=True, slots=True)
class Logic:
    """Conditions joined by and / or."""

    word: Literal["and", "or"]
    parts: tuple["BooleanNode", ...]
    type: ClassVar[Type] = "boolean"

    def mask(self, frame: Frame, memo: Memo) -> Mask:
        result = self.parts[0].mask(frame, memo)
        for part in self.parts[1:]:
            other = part.mask(frame, memo)
            result = result & other if self.word == "and" else result | other
        return result


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition. An unknown comparison is False, so its opposite is True."""

    part: "BooleanNode"
    type: ClassVar[Type] = "boolean"

    def mask(self, frame: Frame, memo: Memo) -> Mask:
        return ~self.part.mask(frame, memo)


NumberNode = Number | Field | Output | Arithmetic
BooleanNode = Comparison | Cross | Logic | Not
Node = NumberNode | BooleanNode


def fields_of(node: Node) -> Iterator[str]:
    """Every field a node reads, with repetitions."""
    match node:
        case Field(name):
            yield name
        case Output(call):
            if call.source is None:
                yield from REGISTRY[call.name].inputs
            else:
                yield from fields_of(call.source)
        case Arithmetic() | Comparison() | Cross():
            yield from fields_of(node.left)
            yield from fields_of(node.right)
        case Logic(_, parts):
            for part in parts:
                yield from fields_of(part)
        case Not(part):
            yield from fields_of(part)


def _length(frame: Frame) -> int:
    return len(next(iter(frame.values()), ()))

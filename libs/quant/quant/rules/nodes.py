"""The compiled form of a rule: a small tree of values, each knowing its type and its column of results.

Nodes are immutable and compare by content, so equal parts of different rules share one computation in a `Memo`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from quant.bars import Frame, Mask, Series
from quant.indicators import REGISTRY, Indicator

Type = Literal["number", "boolean"]
ArithmeticSign = Literal["+", "-", "*", "/"]
ComparisonSign = Literal["<", "<=", ">", ">=", "==", "!="]

# Results of indicators by (indicator with its parameters and series): all outputs of one call are computed together.
Memo = dict["Call", dict[str, Series]]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """What a rule is evaluated over: columns of one length, of one symbol or of many laid end to end.

    `starts` are the rows where a symbol begins, the first of them 0; indicators and crossings never reach across one.
    """

    frame: Frame
    memo: Memo = field(default_factory=dict)
    starts: NDArray[np.intp] = field(default_factory=lambda: np.zeros(1, dtype=np.intp))

    def __len__(self) -> int:
        return len(next(iter(self.frame.values()), ()))


ARITHMETIC: Final = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
COMPARISON: Final = {
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

    def series(self, columns: Columns) -> Series:
        return np.full(len(columns), self.value)


@dataclass(frozen=True, slots=True)
class Field:
    """A column of the frame."""

    name: str
    type: ClassVar[Type] = "number"

    def series(self, columns: Columns) -> Series:
        if self.name not in columns.frame:
            raise ValueError(f"the rule reads {self.name!r}, which these bars do not have")
        return columns.frame[self.name]


@dataclass(frozen=True, slots=True)
class Call:
    """An indicator with its parameters bound, over its own fields or over another series."""

    name: str
    parameters: tuple[float, ...]
    source: "NumberNode | None"

    @property
    def indicator(self) -> Indicator:
        return REGISTRY[self.name]

    def results(self, columns: Columns) -> dict[str, Series]:
        """All outputs, computed once per memo."""
        if self not in columns.memo:
            columns.memo[self] = self._computed(columns)
        return columns.memo[self]

    def _computed(self, columns: Columns) -> dict[str, Series]:
        indicator = self.indicator
        if self.source is None:
            read = [np.ascontiguousarray(Field(name).series(columns), dtype=np.float64) for name in indicator.inputs]
        else:
            read = [np.ascontiguousarray(self.source.series(columns), dtype=np.float64)]
        if len(columns.starts) == 1:
            return dict(zip(indicator.outputs, indicator.compute(*read, *self.parameters), strict=True))
        results = {output: np.empty(len(columns)) for output in indicator.outputs}
        places = tuple(results.values())
        edges = [*columns.starts.tolist(), len(columns)]
        for first, after in pairwise(edges):
            part = slice(first, after)
            found = indicator.compute(*[column[part] for column in read], *self.parameters)
            for place, values in zip(places, found, strict=True):
                place[part] = values
        return results


@dataclass(frozen=True, slots=True)
class Output:
    """One output of an indicator."""

    call: Call
    output: str
    type: ClassVar[Type] = "number"

    def series(self, columns: Columns) -> Series:
        return self.call.results(columns)[self.output]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers combined; a division by zero is unknown (NaN), not infinite."""

    sign: ArithmeticSign
    left: "NumberNode"
    right: "NumberNode"
    type: ClassVar[Type] = "number"

    def series(self, columns: Columns) -> Series:
        with np.errstate(all="ignore"):
            result = ARITHMETIC[self.sign](self.left.series(columns), self.right.series(columns))
        return np.where(np.isfinite(result), result, np.nan)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two numbers compared; False wherever one of them is unknown, for != too."""

    sign: ComparisonSign
    left: "NumberNode"
    right: "NumberNode"
    type: ClassVar[Type] = "boolean"

    def mask(self, columns: Columns) -> Mask:
        left, right = self.left.series(columns), self.right.series(columns)
        result = cast("Mask", COMPARISON[self.sign](left, right))
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

    def mask(self, columns: Columns) -> Mask:
        left, right = self.left.series(columns), self.right.series(columns)
        if self.direction == "below":
            left, right = right, left
        result = left > right
        result[1:] &= left[:-1] <= right[:-1]
        result[columns.starts[columns.starts < len(result)]] = False
        return result


@dataclass(frozen=True, slots=True)
class Logic:
    """Conditions joined by and / or."""

    word: Literal["and", "or"]
    parts: tuple["BooleanNode", ...]
    type: ClassVar[Type] = "boolean"

    def mask(self, columns: Columns) -> Mask:
        result = self.parts[0].mask(columns)
        for part in self.parts[1:]:
            other = part.mask(columns)
            result = result & other if self.word == "and" else result | other
        return result


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition. An unknown comparison is False, so its opposite is True."""

    part: "BooleanNode"
    type: ClassVar[Type] = "boolean"

    def mask(self, columns: Columns) -> Mask:
        return ~self.part.mask(columns)


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


def look_back_of(node: Node) -> int:
    """How many bars come before the first one on which every number of a node can be known."""
    match node:
        case Output(call, output):
            before = 0 if call.source is None else look_back_of(call.source)
            return before + call.indicator.look_backs(call.parameters)[output]
        case Cross():
            return max(look_back_of(node.left), look_back_of(node.right)) + 1
        case Arithmetic() | Comparison():
            return max(look_back_of(node.left), look_back_of(node.right))
        case Logic(_, parts):
            return max(look_back_of(part) for part in parts)
        case Not(part):
            return look_back_of(part)
        case _:
            return 0


def calls_of(node: Node) -> Iterator[Call]:
    """Every indicator a node asks for, inner ones too, with repetitions."""
    match node:
        case Output(call):
            yield call
            if call.source is not None:
                yield from calls_of(call.source)
        case Arithmetic() | Comparison() | Cross():
            yield from calls_of(node.left)
            yield from calls_of(node.right)
        case Logic(_, parts):
            for part in parts:
                yield from calls_of(part)
        case Not(part):
            yield from calls_of(part)

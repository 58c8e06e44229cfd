"""What a rule saw: the numbers it compared on the newest bar, by the text that asks for them."""

from collections.abc import Iterator
from dataclasses import dataclass

from quant.bars import Frame
from quant.rules.live import LiveRule, number_at
from quant.rules.nodes import (
    Arithmetic,
    Columns,
    Comparison,
    Cross,
    Field,
    Logic,
    Node,
    Not,
    Number,
    NumberNode,
    Output,
)
from quant.rules.rule import Rule


@dataclass(frozen=True, slots=True)
class Reading:
    """One number a rule looked at: its text in the rule language, and its value to the last bit (NaN: unknown)."""

    text: str
    value: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a rule holds on the newest bar, and what it read there."""

    holds: bool
    readings: tuple[Reading, ...]


def judge(rule: Rule, frame: Frame) -> Judgement:
    """Judge the last bar of a frame, oldest first, as `LiveRule` does: to the last bit what whole columns give.

    ValueError for a frame without bars, or one that lacks a field of the rule.
    """
    size = len(next(iter(frame.values()), ()))
    if not size:
        raise ValueError("there is no bar to judge")
    before = {name: values[: size - 1] for name, values in frame.items()}
    last = {name: float(values[size - 1]) for name, values in frame.items()}
    live = LiveRule(rule, before)
    columns = Columns(frame)
    read = {text_of(node): number_at(node, columns, size - 1) for node in _compared(rule.root)}
    return Judgement(live.push(last), tuple(Reading(text, value) for text, value in read.items()))


def text_of(node: NumberNode) -> str:
    """A number of a rule, written as the language writes it."""
    match node:
        case Number(value):
            return _written(value)
        case Field(name):
            return name
        case Arithmetic(sign, left, right):
            return f"({text_of(left)} {sign} {text_of(right)})"
        case Output(call, output):
            given = [_written(parameter) for parameter in call.parameters]
            if call.source is not None:
                given.insert(0, text_of(call.source))
            text = f"{call.name}({', '.join(given)})"
            return text if len(call.indicator.outputs) == 1 else f"{text}.{output}"


def _written(value: float) -> str:
    return repr(float(value)).removesuffix(".0")


def _compared(node: Node) -> Iterator[NumberNode]:
    """Every number that is compared and not just written down."""
    match node:
        case Comparison() | Cross():
            yield from (side for side in (node.left, node.right) if not isinstance(side, Number))
        case Logic(_, parts):
            for part in parts:
                yield from _compared(part)
        case Not(part):
            yield from _compared(part)
        case _:
            return

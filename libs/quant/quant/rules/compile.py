"""From text to a rule: a whitelist over Python's expression grammar; nothing is ever evaluated as Python.

Types are number and boolean and never mix. Text, depth, nodes and calls are bounded, so that compiling and evaluating
a stranger's rule costs little. Every refusal names the column, counted from 1.
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final, Literal, cast

from quant.bars import FIELDS, Frame, Mask
from quant.indicators import REGISTRY, Indicator
from quant.rules.nodes import (
    Arithmetic,
    ArithmeticSign,
    BooleanNode,
    Call,
    Comparison,
    ComparisonSign,
    Cross,
    Field,
    Logic,
    Memo,
    Node,
    Not,
    Number,
    NumberNode,
    Output,
    fields_of,
)

TEXT_MAX: Final = 1_000
DEPTH_MAX: Final = 24
NODES_MAX: Final = 200
CALLS_MAX: Final = 32
NUMBER_MAX: Final = 10**15

_CROSSES: Final[dict[str, Literal["above", "below"]]] = {"crosses_above": "above", "crosses_below": "below"}
_FUNCTIONS: Final = (*REGISTRY, *_CROSSES)
_ARITHMETIC: Final[dict[type[ast.operator], ArithmeticSign]] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
_COMPARISONS: Final[dict[type[ast.cmpop], ComparisonSign]] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}

# Everything a rule may be spelt with. Python would also accept strings, brackets, and letters that merely look Latin.
_TOKEN = re.compile(
    r"\s+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.])|[A-Za-z_]\w*|[<>=!]=|\*\*|//|[-+*/<>(),.]", re.ASCII
)
_HINTS: Final = {
    "=": "use == to compare",
    "&": "use and",
    "|": "use or",
    "!": "use not",
    "^": "powers are not part of the language",
    "%": "write percentages as fractions: 10 % is 0.1",
    "[": "there are no lists or positions: earlier bars are reached through indicators",
    "{": "a name in braces belongs to a template: fill it in first",
}
_TEMPLATE_NAME = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


class RuleError(ValueError):
    """A rule that cannot be used: why, in words for its author, and at which column (from 1)."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"column {column}: {message}")
        self.message = message
        self.column = column


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule: its text and its tree, which is what rules are compared by."""

    text: str = field(compare=False)
    root: BooleanNode

    @property
    def fields(self) -> frozenset[str]:
        """The columns a frame must have."""
        return frozenset(fields_of(self.root))

    def mask(self, frame: Frame, memo: Memo | None = None) -> Mask:
        """Where the rule holds: one boolean per bar of the frame, whose columns have one length.

        A comparison with an unknown number (NaN) is False. Rules evaluated over the same frame may share a memo, which
        computes each indicator once. ValueError when the frame lacks a field.
        """
        return self.root.mask(frame, {} if memo is None else memo)


def compile_rule(text: str, extra_fields: frozenset[str] = frozenset()) -> Rule:
    """The rule a text means; RuleError with the column otherwise. `extra_fields` join the fields of a bar."""
    if len(text) > TEXT_MAX:
        raise RuleError(f"a rule has at most {TEXT_MAX} characters, this one has {len(text)}", TEXT_MAX + 1)
    flat = re.sub(r"[\t\r\n]", " ", text)
    _check_spelling(flat)
    body = flat.strip()
    if not body:
        raise RuleError("the rule is empty; for example: rsi(14) < 30", 1)
    indent = len(flat) - len(flat.lstrip())
    try:
        tree = ast.parse(body, mode="eval")
    except SyntaxError as error:
        # Without an offset the parser wanted more than there was.
        raise RuleError(f"cannot read the rule here: {error.msg}", indent + (error.offset or len(body) + 1)) from None
    except (ValueError, MemoryError, RecursionError):
        raise RuleError("the rule is nested too deeply", indent + 1) from None
    compiler = _Compiler(indent, frozenset(FIELDS) | extra_fields)
    root = compiler.boolean(tree.body, 1)
    return Rule(text, root)


def template_names(template: str) -> frozenset[str]:
    """The names in braces of a rule template such as `sma({fast}) > sma({slow})`."""
    return frozenset(_TEMPLATE_NAME.findall(template))


def fill_template(template: str, values: Mapping[str, float]) -> str:
    """The template with each name replaced by its number; KeyError for a name without one."""
    return _TEMPLATE_NAME.sub(lambda match: f"{values[match.group(1)]:.15g}", template)


def _check_spelling(text: str) -> None:
    position = 0
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None:
            character = text[position]
            hint = _HINTS.get(character, "expected fields, numbers, indicators, comparisons, and / or / not")
            what = "not a number" if character.isdigit() else f"unexpected {character!r}"
            raise RuleError(f"{what}: {hint}", position + 1)
        position = token.end()


class _Compiler:
    """One walk over one parsed rule, counting what it costs."""

    def __init__(self, indent: int, fields: frozenset[str]) -> None:
        self._indent = indent
        self._fields = fields
        self._nodes = 0
        self._calls = 0

    def boolean(self, tree: ast.expr, depth: int) -> BooleanNode:
        node = self._node(tree, depth)
        if node.type == "number":
            raise self._error("this is a number; a condition such as close > 100 is needed here", tree)
        return cast("BooleanNode", node)

    def number(self, tree: ast.expr, depth: int) -> NumberNode:
        node = self._node(tree, depth)
        if node.type == "boolean":
            raise self._error("this is a condition; a number such as close or sma(20) is needed here", tree)
        return cast("NumberNode", node)

    def _node(self, tree: ast.expr, depth: int) -> Node:
        self._nodes += 1
        if depth > DEPTH_MAX:
            raise self._error(f"the rule is nested deeper than {DEPTH_MAX} levels", tree)
        if self._nodes > NODES_MAX:
            raise self._error(f"the rule has more than {NODES_MAX} parts", tree)
        match tree:
            case ast.Constant() | ast.Name():
                return Number(self._constant(tree)) if isinstance(tree, ast.Constant) else self._field(tree)
            case ast.Call():
                return self._call(tree, depth)
            case ast.Attribute():
                return self._attribute(tree, depth)
            case ast.BinOp() | ast.UnaryOp():
                return self._arithmetic(tree, depth)
            case ast.Compare():
                return self._comparison(tree, depth)
            case ast.BoolOp():
                word: Literal["and", "or"] = "and" if isinstance(tree.op, ast.And) else "or"
                return Logic(word, tuple(self.boolean(part, depth + 1) for part in tree.values))
            case _:
                raise self._error("this is not part of the rule language", tree)

    def _constant(self, tree: ast.Constant) -> float:
        value = tree.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error(f"{value!r} is not a number", tree)
        if value > NUMBER_MAX:
            raise self._error("this number is too large", tree)
        return float(value)

    def _field(self, tree: ast.Name) -> Field:
        if tree.id in self._fields:
            return Field(tree.id)
        if tree.id in _FUNCTIONS:
            raise self._error(f"{tree.id} is a function: write {tree.id}(...)", tree)
        raise self._unknown("field", tree.id, (*sorted(self._fields), *_FUNCTIONS), tree)

    def _arithmetic(self, tree: ast.BinOp | ast.UnaryOp, depth: int) -> Node:
        if isinstance(tree, ast.UnaryOp):
            if isinstance(tree.op, ast.Not):
                return Not(self.boolean(tree.operand, depth + 1))
            operand = self.number(tree.operand, depth + 1)
            if isinstance(tree.op, ast.UAdd):
                return operand
            return Number(-operand.value) if isinstance(operand, Number) else Arithmetic("-", Number(0.0), operand)
        if type(tree.op) not in _ARITHMETIC:
            raise self._error("only + - * / are part of the language", tree)
        sign = _ARITHMETIC[type(tree.op)]
        return Arithmetic(sign, self.number(tree.left, depth + 1), self.number(tree.right, depth + 1))

    def _comparison(self, tree: ast.Compare, depth: int) -> BooleanNode:
        operands = [self.number(operand, depth + 1) for operand in (tree.left, *tree.comparators)]
        pairs: list[BooleanNode] = []
        for operator, left, right in zip(tree.ops, operands, operands[1:], strict=False):
            if type(operator) not in _COMPARISONS:
                raise self._error("compare with < <= > >= == !=", tree)
            pairs.append(Comparison(_COMPARISONS[type(operator)], left, right))
        return pairs[0] if len(pairs) == 1 else Logic("and", tuple(pairs))

    def _attribute(self, tree: ast.Attribute, depth: int) -> Output:
        if not isinstance(tree.value, ast.Call):
            raise self._error(f"only indicators have parts, as in macd(12, 26, 9).signal, not .{tree.attr}", tree)
        indicator, call = self._indicator(tree.value, depth)
        if tree.attr not in indicator.outputs or len(indicator.outputs) == 1:
            raise self._unknown(f"part of {indicator.name}", tree.attr, _parts(indicator), tree)
        return Output(call, tree.attr)

    def _call(self, tree: ast.Call, depth: int) -> Node:
        if isinstance(tree.func, ast.Name) and tree.func.id in _CROSSES:
            return self._cross(tree, _CROSSES[tree.func.id], depth)
        indicator, call = self._indicator(tree, depth)
        if len(indicator.outputs) > 1:
            choices = ", ".join(f"{indicator.name}(...).{part}" for part in _parts(indicator))
            raise self._error(f"{indicator.name} has several parts; say which: {choices}", tree)
        return Output(call, indicator.outputs[0])

    def _cross(self, tree: ast.Call, direction: Literal["above", "below"], depth: int) -> Cross:
        if len(tree.args) != 2 or tree.keywords:
            raise self._error(f"crosses_{direction} takes two numbers, as in crosses_above(sma(5), sma(20))", tree)
        return Cross(direction, self.number(tree.args[0], depth + 1), self.number(tree.args[1], depth + 1))

    def _indicator(self, tree: ast.Call, depth: int) -> tuple[Indicator, Call]:
        self._calls += 1
        if self._calls > CALLS_MAX:
            raise self._error(f"the rule uses more than {CALLS_MAX} indicators", tree)
        if not isinstance(tree.func, ast.Name):
            raise self._error("only the functions of the language can be called, by name", tree)
        name = tree.func.id
        if name in self._fields:
            raise self._error(f"{name} is a field, not a function: write {name}", tree)
        if name not in REGISTRY:
            raise self._unknown("function", name, _FUNCTIONS, tree)
        if tree.keywords:
            raise self._error(f"write the parameters of {name} by position", tree)
        indicator, arguments = REGISTRY[name], list(tree.args)
        source = self._source(indicator, arguments, depth)
        values = [self._parameter(argument) for argument in arguments]
        try:
            return indicator, Call(name, indicator.bind(values), source)
        except ValueError as error:
            raise self._error(str(error), tree) from None

    def _source(self, indicator: Indicator, arguments: list[ast.expr], depth: int) -> NumberNode | None:
        """Take the leading series off the arguments, when the indicator accepts one and one is given."""
        if not arguments or _is_number(arguments[0]):
            return None
        if not indicator.takes_series:
            reads = ", ".join(indicator.inputs)
            raise self._error(f"{indicator.name} reads {reads}; its parameters are plain numbers", arguments[0])
        node = self.number(arguments.pop(0), depth + 1)
        return None if node == Field(indicator.inputs[0]) else node

    def _parameter(self, tree: ast.expr) -> float:
        if not _is_number(tree):
            raise self._error("parameters are plain numbers, as in sma(20)", tree)
        if isinstance(tree, ast.UnaryOp):
            return -self._parameter(tree.operand)
        return self._constant(cast("ast.Constant", tree))

    def _unknown(self, kind: str, name: str, known: tuple[str, ...], tree: ast.expr) -> RuleError:
        close = get_close_matches(name.lower(), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(known) or 'none'}"
        return self._error(f"unknown {kind} {name!r}; {hint}", tree)

    def _error(self, message: str, tree: ast.expr) -> RuleError:
        return RuleError(message, self._indent + tree.col_offset + 1)


def _is_number(tree: ast.expr) -> bool:
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return isinstance(tree.operand, ast.Constant)
    return isinstance(tree, ast.Constant)


def _parts(indicator: Indicator) -> tuple[str, ...]:
    return indicator.outputs if len(indicator.outputs) > 1 else ()

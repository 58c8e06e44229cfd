"""From text to a rule: a whitelist over Python's expression grammar; nothing is ever evaluated as Python.

Types are number and boolean and never mix. Text, depth, nodes and calls are bounded, so that compiling and evaluating
a stranger's rule costs little. Every refusal names the column, counted from 1.
"""

import ast
import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final, Literal, cast

from quant.bars import FIELDS
from quant.indicators import REGISTRY, Indicator, ParameterError
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
    Node,
    Not,
    Number,
    NumberNode,
    Output,
)
from quant.rules.rule import Rule, RuleError
from quant.rules.spelling import check_spelling

TEXT_MAX: Final = 1_000
DEPTH_MAX: Final = 24
NODES_MAX: Final = 200
CALLS_MAX: Final = 32
NUMBER_MAX: Final = 10**15
STEPS_MAX: Final = 10_000
NAMES_SHOWN_MAX: Final = 40

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

_TEMPLATE_NAME = re.compile(r"\{([a-z_][a-z0-9_]*)\}")


def compile_rule(text: str, extra_fields: frozenset[str] = frozenset()) -> Rule:
    """The rule a text means; RuleError with the column otherwise. `extra_fields` join the fields of a bar."""
    compiler, body = _begun(text, extra_fields, "rsi(14) < 30")
    root = compiler.boolean(body, 1)
    compiler.check_cost(body)
    return Rule(text, root)


def compile_series(text: str, extra_fields: frozenset[str] = frozenset()) -> dict[str, NumberNode]:
    """The columns a text names: `rsi(14)` and `close / sma(20)` give one, `macd(12, 26, 9)` each of its parts.

    A single column is called `value`. RuleError as for a rule.
    """
    compiler, body = _begun(text, extra_fields, "rsi(14)")
    columns = compiler.columns(body)
    compiler.check_cost(body)
    return columns


def _begun(text: str, extra_fields: frozenset[str], example: str) -> tuple["_Compiler", ast.expr]:
    if len(text) > TEXT_MAX:
        raise RuleError(
            f"a rule has at most {TEXT_MAX} characters, this one has {len(text)}",
            f"규칙은 {TEXT_MAX}자까지 쓸 수 있는데 {len(text)}자입니다",
            TEXT_MAX + 1,
        )
    flat = re.sub(r"[\t\r\n]", " ", text)
    check_spelling(flat)
    body = flat.strip()
    if not body:
        raise RuleError(f"the rule is empty; for example: {example}", f"규칙이 비어 있습니다. 예: {example}", 1)
    indent = len(flat) - len(flat.lstrip())
    try:
        tree = ast.parse(body, mode="eval")
    except SyntaxError as error:
        # Without an offset the parser wanted more than there was.
        column = indent + (error.offset or len(body) + 1)
        raise RuleError(
            f"cannot read the rule here: {error.msg}",
            "여기서 규칙을 읽을 수 없습니다: 괄호와 연산자를 확인하세요",
            column,
        ) from None
    except (ValueError, MemoryError, RecursionError, SystemError):
        raise RuleError("the rule is nested too deeply", "규칙이 너무 깊게 중첩되었습니다", indent + 1) from None
    return _Compiler(indent, frozenset(FIELDS) | extra_fields), tree.body


def template_names(template: str) -> frozenset[str]:
    """The names in braces of a rule template such as `sma({fast}) > sma({slow})`."""
    return frozenset(_TEMPLATE_NAME.findall(template))


def fill_template(template: str, values: Mapping[str, float]) -> str:
    """The template with each name replaced by its number; KeyError for a name without one."""
    return _TEMPLATE_NAME.sub(lambda match: f"{values[match.group(1)]:.15g}", template)


class _Compiler:
    """One walk over one parsed rule, counting what it costs."""

    def __init__(self, indent: int, fields: frozenset[str]) -> None:
        self._indent = indent
        self._fields = fields
        self._nodes = 0
        self._calls = 0
        self._steps = 0

    def check_cost(self, tree: ast.expr) -> None:
        """Refuse what would read more numbers for each bar than a screen of a whole market can afford."""
        if self._steps > STEPS_MAX:
            raise self._error(
                f"the rule may read {self._steps} numbers for each bar, more than {STEPS_MAX}: use shorter periods",
                f"규칙이 봉마다 숫자 {self._steps}개를 읽어야 해 한도 {STEPS_MAX}개를 넘습니다: 기간을 줄이세요",
                tree,
            )

    def columns(self, tree: ast.expr) -> dict[str, NumberNode]:
        """The one column of a number, or every part of an indicator that has several."""
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id not in _CROSSES:
            indicator, call = self._indicator(tree, 1)
            return {output: Output(call, output) for output in indicator.outputs}
        return {"value": self.number(tree, 1)}

    def boolean(self, tree: ast.expr, depth: int) -> BooleanNode:
        node = self._node(tree, depth)
        if node.type == "number":
            raise self._error(
                "this is a number; a condition such as close > 100 is needed here",
                "숫자입니다. 여기에는 close > 100 같은 조건이 필요합니다",
                tree,
            )
        return cast("BooleanNode", node)

    def number(self, tree: ast.expr, depth: int) -> NumberNode:
        node = self._node(tree, depth)
        if node.type == "boolean":
            raise self._error(
                "this is a condition; a number such as close or sma(20) is needed here",
                "조건입니다. 여기에는 close 나 sma(20) 같은 숫자가 필요합니다",
                tree,
            )
        return cast("NumberNode", node)

    def _node(self, tree: ast.expr, depth: int) -> Node:
        self._nodes += 1
        if depth > DEPTH_MAX:
            raise self._error(
                f"the rule is nested deeper than {DEPTH_MAX} levels",
                f"규칙이 {DEPTH_MAX}단계보다 깊게 중첩되었습니다",
                tree,
            )
        if self._nodes > NODES_MAX:
            raise self._error(
                f"the rule has more than {NODES_MAX} parts", f"규칙의 요소가 {NODES_MAX}개를 넘습니다", tree
            )
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
                raise self._error("this is not part of the rule language", "규칙 언어에 없는 표현입니다", tree)

    def _constant(self, tree: ast.Constant) -> float:
        value = tree.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._error(f"{value!r} is not a number", f"{value!r} 은(는) 숫자가 아닙니다", tree)
        if value > NUMBER_MAX:
            raise self._error("this number is too large", "숫자가 너무 큽니다", tree)
        return float(value)

    def _field(self, tree: ast.Name) -> Field:
        if tree.id in self._fields:
            return Field(tree.id)
        if tree.id in _FUNCTIONS:
            raise self._error(
                f"{tree.id} is a function: write {tree.id}(...)",
                f"{tree.id} 은(는) 함수입니다: {tree.id}(...) 로 쓰세요",
                tree,
            )
        raise self._unknown(("field", "필드"), tree.id, (*sorted(self._fields), *_FUNCTIONS), tree)

    def _arithmetic(self, tree: ast.BinOp | ast.UnaryOp, depth: int) -> Node:
        if isinstance(tree, ast.UnaryOp):
            if isinstance(tree.op, ast.Not):
                return Not(self.boolean(tree.operand, depth + 1))
            operand = self.number(tree.operand, depth + 1)
            if isinstance(tree.op, ast.UAdd):
                return operand
            return Number(-operand.value) if isinstance(operand, Number) else Arithmetic("-", Number(0.0), operand)
        if type(tree.op) not in _ARITHMETIC:
            raise self._error("only + - * / are part of the language", "+ - * / 만 쓸 수 있습니다", tree)
        sign = _ARITHMETIC[type(tree.op)]
        return Arithmetic(sign, self.number(tree.left, depth + 1), self.number(tree.right, depth + 1))

    def _comparison(self, tree: ast.Compare, depth: int) -> BooleanNode:
        operands = [self.number(operand, depth + 1) for operand in (tree.left, *tree.comparators)]
        pairs: list[BooleanNode] = []
        for operator, left, right in zip(tree.ops, operands, operands[1:], strict=False):
            if type(operator) not in _COMPARISONS:
                raise self._error("compare with < <= > >= == !=", "비교에는 < <= > >= == != 를 쓰세요", tree)
            pairs.append(Comparison(_COMPARISONS[type(operator)], left, right))
        return pairs[0] if len(pairs) == 1 else Logic("and", tuple(pairs))

    def _attribute(self, tree: ast.Attribute, depth: int) -> Output:
        if not isinstance(tree.value, ast.Call):
            raise self._error(
                f"only indicators have parts, as in macd(12, 26, 9).signal, not .{tree.attr}",
                f"지표만 구성 요소를 가집니다. 예: macd(12, 26, 9).signal. .{tree.attr} 은(는) 쓸 수 없습니다",
                tree,
            )
        indicator, call = self._indicator(tree.value, depth)
        if tree.attr not in indicator.outputs or len(indicator.outputs) == 1:
            raise self._unknown(
                (f"part of {indicator.name}", f"{indicator.name} 의 값"), tree.attr, _parts(indicator), tree
            )
        return Output(call, tree.attr)

    def _call(self, tree: ast.Call, depth: int) -> Node:
        if isinstance(tree.func, ast.Name) and tree.func.id in _CROSSES:
            return self._cross(tree, _CROSSES[tree.func.id], depth)
        indicator, call = self._indicator(tree, depth)
        if len(indicator.outputs) > 1:
            choices = ", ".join(f"{indicator.name}(...).{part}" for part in _parts(indicator))
            raise self._error(
                f"{indicator.name} has several parts; say which: {choices}",
                f"{indicator.name} 에는 값이 여럿 있습니다. 하나를 고르세요: {choices}",
                tree,
            )
        return Output(call, indicator.outputs[0])

    def _cross(self, tree: ast.Call, direction: Literal["above", "below"], depth: int) -> Cross:
        if len(tree.args) != 2 or tree.keywords:
            raise self._error(
                f"crosses_{direction} takes two numbers, as in crosses_above(sma(5), sma(20))",
                f"crosses_{direction} 에는 숫자 두 개가 필요합니다. 예: crosses_above(sma(5), sma(20))",
                tree,
            )
        return Cross(direction, self.number(tree.args[0], depth + 1), self.number(tree.args[1], depth + 1))

    def _indicator(self, tree: ast.Call, depth: int) -> tuple[Indicator, Call]:
        self._calls += 1
        if self._calls > CALLS_MAX:
            raise self._error(
                f"the rule uses more than {CALLS_MAX} indicators", f"규칙에 쓴 지표가 {CALLS_MAX}개를 넘습니다", tree
            )
        if not isinstance(tree.func, ast.Name):
            raise self._error(
                "only the functions of the language can be called, by name",
                "규칙 언어의 함수만 이름으로 부를 수 있습니다",
                tree,
            )
        name = tree.func.id
        if name in self._fields:
            raise self._error(
                f"{name} is a field, not a function: write {name}",
                f"{name} 은(는) 함수가 아니라 필드입니다: {name} 로 쓰세요",
                tree,
            )
        if name not in REGISTRY:
            raise self._unknown(("function", "함수"), name, _FUNCTIONS, tree)
        if tree.keywords:
            raise self._error(
                f"write the parameters of {name} by position", f"{name} 의 매개변수는 순서대로 쓰세요", tree
            )
        indicator, arguments = REGISTRY[name], list(tree.args)
        source = self._source(indicator, arguments, depth)
        values = [self._parameter(argument) for argument in arguments]
        try:
            bound = indicator.bind(values)
        except ParameterError as error:
            raise self._error(error.message, error.message_ko, tree) from None
        self._steps += indicator.steps(bound)
        return indicator, Call(name, bound, source)

    def _source(self, indicator: Indicator, arguments: list[ast.expr], depth: int) -> NumberNode | None:
        """Take the leading series off the arguments, when the indicator accepts one and one is given."""
        if not arguments or _is_number(arguments[0]):
            return None
        if not indicator.takes_series:
            reads = ", ".join(indicator.inputs)
            raise self._error(
                f"{indicator.name} reads {reads}; its parameters are plain numbers",
                f"{indicator.name} 은(는) {reads} 을(를) 읽으며 매개변수는 숫자만 됩니다",
                arguments[0],
            )
        node = self.number(arguments.pop(0), depth + 1)
        return None if node == Field(indicator.inputs[0]) else node

    def _parameter(self, tree: ast.expr) -> float:
        if not _is_number(tree):
            raise self._error(
                "parameters are plain numbers, as in sma(20)", "매개변수는 sma(20) 처럼 숫자여야 합니다", tree
            )
        if isinstance(tree, ast.UnaryOp):
            return -self._parameter(tree.operand)
        return self._constant(cast("ast.Constant", tree))

    def _unknown(self, kind: tuple[str, str], name: str, known: tuple[str, ...], tree: ast.expr) -> RuleError:
        close = get_close_matches(name.lower(), known, n=1)
        listed = ", ".join(known[:NAMES_SHOWN_MAX]) + (", ..." if len(known) > NAMES_SHOWN_MAX else "")
        hint = f"did you mean {close[0]}?" if close else f"known: {listed or 'none'}"
        hint_ko = f"{close[0]} 을(를) 찾으셨나요?" if close else f"쓸 수 있는 것: {listed or '없음'}"
        return self._error(f"unknown {kind[0]} {name!r}; {hint}", f"알 수 없는 {kind[1]} {name!r}; {hint_ko}", tree)

    def _error(self, message: str, message_ko: str, tree: ast.expr) -> RuleError:
        return RuleError(message, message_ko, self._indent + tree.col_offset + 1)


def _is_number(tree: ast.expr) -> bool:
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return isinstance(tree.operand, ast.Constant)
    return isinstance(tree, ast.Constant)


def _parts(indicator: Indicator) -> tuple[str, ...]:
    return indicator.outputs if len(indicator.outputs) > 1 else ()

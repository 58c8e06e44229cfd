"""Strategies of the `.kis.yaml` format 1.0, the one of Korea Investment & Securities' strategy builder.

Its indicators, conditions and risk become a document of ours: two rules in the rule language, and stops. What has no
counterpart with the same meaning is refused at its line and column, and never approximated.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from quant.indicators import REGISTRY
from quant.rules import TEXT_MAX, RuleError, compile_rule, compile_series

from backtest.domain.kis_indicators import INDICATORS, REFUSED, Translated
from backtest.domain.marked import Marked
from backtest.domain.strategy import Content, Rules

FORMAT: Final = "1.0"
NAME_LENGTH_MAX: Final = 100
DESCRIPTION_LENGTH_MAX: Final = 2_000
CONDITIONS_MAX: Final = 16
INDICATORS_MAX: Final = 32

_PLAIN: Final = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f]*")

_PRICES: Final = {name: name for name in ("open", "high", "low", "close", "volume")} | {"price": "close"}
_SIGNS: Final = {
    "greater_than": ">",
    "gt": ">",
    "less_than": "<",
    "lt": "<",
    "greater_equal": ">=",
    "gte": ">=",
    "less_equal": "<=",
    "lte": "<=",
    "equal": "==",
    "not_equal": "!=",
    **{sign: sign for sign in (">", "<", ">=", "<=", "==", "!=")},
}
_CROSSES: Final = {
    f"{before}cross{after}_{way}": f"crosses_{way}"
    for way in ("above", "below")
    for before, after in (("", ""), ("", "es"), ("indicator_", ""))
} | {"crossover": "crosses_above", "crossunder": "crosses_below"}
_ARITHMETIC: Final = {"mul": "*", "div": "/", "add": "+", "sub": "-"}
_CANDLES: Final = {"bullish": "> 0", "bearish": "< 0", "detected": "!= 0"}
_CONDITION: Final = frozenset(
    {"indicator", "operator", "compare_to", "value", "output", "compare_output", "compare_scalar"}
    | {"compare_operation", "candlestick", "signal"}
)
_STRATEGY: Final = frozenset({"id", "category", "params", "indicators", "candlesticks", "entry", "exit"})
_RISK: Final = frozenset({"stop_loss", "take_profit", "trailing_stop", "max_position_size"})


def content_of(file: Marked) -> Content:
    """The strategy of a file. Unreadable for the first thing in it that we cannot say."""
    file.table({"version", "metadata", "strategy", "risk"})
    version = file.maybe("version")
    if version is not None and version.text() != FORMAT:
        raise version.refused(f"this is format {version.text()}, and {FORMAT} is the one that is known")
    about, strategy = file.part("metadata"), file.part("strategy")
    strategy.table(_STRATEGY)
    reader = _Reader(strategy)
    rules = Rules(
        entry=reader.rule(strategy.part("entry"), "and"),
        exit=reader.rule(strategy.part("exit"), "or"),
        **_risk_of(file.maybe("risk"), reader.numbers),
    )
    description = about.maybe("description")
    said = "" if description is None else _bounded(description, DESCRIPTION_LENGTH_MAX)
    return Content(_bounded(about.part("name"), NAME_LENGTH_MAX), said, rules)


def _bounded(text: Marked, longest: int) -> str:
    said = text.text()
    if len(said) > longest or not _PLAIN.fullmatch(said):
        raise text.refused(f"this may have {longest:,} characters, and no control characters")
    return said


def _risk_of(risk: Marked | None, numbers: "_Numbers") -> dict[str, Any]:
    """Stops as fractions of the entry price, and the share of the cash that is used; their percent are ours / 100."""
    found: dict[str, Any] = {"stop_loss": None}
    if risk is None:
        return found
    for name, part in risk.table(_RISK).items():
        if part.value is None:
            continue
        if name == "max_position_size":
            found["portion"] = _fraction(part, numbers, Decimal(1), Decimal(1))
            continue
        part.table({"enabled", "percent"})
        if part.part("enabled").is_on():
            most = Decimal(100) if name == "take_profit" else Decimal("0.9999")
            found[name] = _fraction(part.part("percent"), numbers, Decimal(100), most)
    return found


def _fraction(percent: Marked, numbers: "_Numbers", whole: Decimal, most: Decimal) -> Decimal:
    value = Decimal(repr(numbers.value(percent))) / whole
    if not 0 < value <= most:
        raise percent.refused(f"this is above 0 and at most {most * whole:f}")
    return value


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Numbers as they stand, and `$name` for the default of a parameter."""

    defaults: Mapping[str, Marked]

    @classmethod
    def of(cls, strategy: Marked) -> "_Numbers":
        named = strategy.maybe("params")
        return cls({} if named is None else {name: each.part("default") for name, each in named.table().items()})

    def value(self, place: Marked) -> float:
        """The number at a place."""
        said = place.text()
        if not said.startswith("$"):
            return place.number()
        default = self.defaults.get(said[1:])
        if default is None:
            known = ", ".join(f"${name}" for name in self.defaults) or "none"
            raise place.refused(f"{said} is no parameter of this strategy; its parameters: {known}")
        return default.number()


class _Reader:
    """The indicators of a strategy by the names its conditions have for them."""

    def __init__(self, strategy: Marked) -> None:
        self.numbers = _Numbers.of(strategy)
        self._known: dict[str, tuple[Translated, str | None]] = {}
        self._candles: dict[str, str] = {}
        counts: dict[str, int] = {}
        for each in _some(strategy.maybe("indicators"), INDICATORS_MAX):
            each.table({"id", "alias", "name", "params", "output"})
            word, output, alias = each.part("id").text().lower(), each.maybe("output"), each.maybe("alias")
            if alias is None:
                counts[word] = counts.get(word, 0) + 1
            key = f"{word}_{counts[word]}" if alias is None else alias.text()
            if key in self._known:
                raise (alias or each).refused(f"two indicators are called {key}")
            translated, usual = self._translated(each, word), None if output is None else output.text()
            translated.shown(output or each, usual)
            self._known[key] = (translated, usual)
        for each in _some(strategy.maybe("candlesticks"), INDICATORS_MAX):
            each.table({"id", "alias", "name"})
            pattern = each.part("id")
            self._candles[(each.maybe("alias") or pattern).text()] = _candle(pattern)

    def rule(self, group: Marked, otherwise: str) -> str:
        """The rule that a group of conditions means. Without conditions there is none."""
        group.table({"logic", "conditions"})
        logic, conditions = group.maybe("logic"), group.part("conditions")
        word = otherwise if logic is None else logic.choice(("and", "or"))
        parts = [self._condition(each) for each in _some(conditions, CONDITIONS_MAX)]
        if not parts:
            raise conditions.refused("a condition is wanted: without one this would hold on every bar")
        text = f" {word} ".join(parts)
        if len(text) > TEXT_MAX:
            raise group.refused(f"as a rule this has {len(text):,} characters, and a rule may have {TEXT_MAX:,}")
        try:
            compile_rule(text)
        except RuleError as error:
            raise group.refused(f"{error.message} (in `{text}`)") from None
        return text

    def _condition(self, condition: Marked) -> str:
        condition.table(_CONDITION)
        if (candle := condition.maybe("candlestick")) is not None:
            signal = condition.maybe("signal")
            shown = _CANDLES["detected" if signal is None else signal.choice(_CANDLES)]
            return f"{self._candles.get(candle.text()) or _candle(candle)} {shown}"
        left = self._operand(condition.part("indicator"), condition.maybe("output"))
        right, sign = self._compared(condition), condition.part("operator")
        word = sign.choice((*_SIGNS, *_CROSSES))
        return f"{_CROSSES[word]}({left}, {right})" if word in _CROSSES else f"{left} {_SIGNS[word]} {right}"

    def _compared(self, condition: Marked) -> str:
        """The right-hand side: a number, or an indicator, perhaps a multiple of it."""
        other = condition.maybe("value") or condition.part("compare_to")
        if other.text() in {**self._known, **_PRICES}:
            right = self._operand(other, condition.maybe("compare_output"))
        else:
            right = f"{self.numbers.value(other):.15g}"
        scalar, how = condition.maybe("compare_scalar"), condition.maybe("compare_operation")
        if scalar is None:
            return right
        sign = _ARITHMETIC["mul" if how is None else how.choice(_ARITHMETIC)]
        return f"({right} {sign} {self.numbers.value(scalar):.15g})"

    def _operand(self, name: Marked, output: Marked | None) -> str:
        said = name.text()
        if said in self._known:
            translated, usual = self._known[said]
            return translated.shown(output or name, usual if output is None else output.text())
        if said in _PRICES:
            return _PRICES[said]
        known = ", ".join((*self._known, *_PRICES))
        raise name.refused(f"{said} is no indicator of this strategy; known are {known}")

    def _translated(self, indicator: Marked, word: str) -> Translated:
        """What an indicator is called here, with its numbers; what it does not say has their default."""
        place = indicator.part("id")
        if word in REFUSED:
            raise place.refused(f"{word} cannot be taken over: {REFUSED[word]}")
        wanted = INDICATORS.get(word)
        if wanted is None:
            raise place.refused(f"{word} is not known here; known are {', '.join(sorted(INDICATORS))}")
        given, numbers = indicator.maybe("params"), dict(wanted.defaults)
        for name, each in ({} if given is None else given.table(wanted.defaults)).items():
            numbers[name] = self.numbers.value(each)
        try:
            translated = wanted.filled(numbers)
            for text in translated.outputs.values():
                compile_series(text)
        except (RuleError, ValueError) as unusable:
            said = unusable.message if isinstance(unusable, RuleError) else str(unusable)
            raise (given or place).refused(said) from None
        return translated


def _some(listed: Marked | None, most: int) -> list[Marked]:
    found = [] if listed is None else listed.items()
    if listed is not None and len(found) > most:
        raise listed.refused(f"these are {len(found)}, and at most {most} are taken")
    return found


def _candle(name: Marked) -> str:
    """A pattern by its name, or by an alias that adds a number to it: `gravestone_doji_1`."""
    said = name.text().lower()
    stem, _, number = said.rpartition("_")
    for word in (said, stem if number.isdigit() else said):
        ours = f"cdl{word.replace('_', '')}"
        if ours in REGISTRY:
            return f"{ours}()"
    raise name.refused(f"{said} is a pattern that is not known here")

"""The rule language of strategies, screens, signals and alerts: `rsi(14) < 30 and close > sma(200)`."""

from quant.rules.compile import (
    CALLS_MAX,
    DEPTH_MAX,
    NODES_MAX,
    NUMBER_MAX,
    STEPS_MAX,
    TEXT_MAX,
    compile_rule,
    compile_series,
    fill_template,
    template_names,
)
from quant.rules.live import BARS_MAX, LiveRule
from quant.rules.nodes import Columns
from quant.rules.reading import Judgement, Reading, judge, text_of
from quant.rules.rule import Rule, RuleError

__all__ = [
    "BARS_MAX",
    "CALLS_MAX",
    "DEPTH_MAX",
    "NODES_MAX",
    "NUMBER_MAX",
    "STEPS_MAX",
    "TEXT_MAX",
    "Columns",
    "Judgement",
    "LiveRule",
    "Reading",
    "Rule",
    "RuleError",
    "compile_rule",
    "compile_series",
    "fill_template",
    "judge",
    "template_names",
    "text_of",
]

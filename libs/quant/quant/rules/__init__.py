"""The rule language of strategies, screens, signals and alerts: `rsi(14) < 30 and close > sma(200)`."""

from quant.rules.compile import (
    CALLS_MAX,
    DEPTH_MAX,
    NODES_MAX,
    NUMBER_MAX,
    TEXT_MAX,
    Rule,
    RuleError,
    compile_rule,
    fill_template,
    template_names,
)

__all__ = [
    "CALLS_MAX",
    "DEPTH_MAX",
    "NODES_MAX",
    "NUMBER_MAX",
    "TEXT_MAX",
    "Rule",
    "RuleError",
    "compile_rule",
    "fill_template",
    "template_names",
]

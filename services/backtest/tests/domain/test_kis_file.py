"""Strategies of `.kis.yaml`: what they become here, and where a mistake in one is."""

from decimal import Decimal

import pytest
from backtest.domain.kis_file import content_of
from backtest.domain.kis_indicators import INDICATORS
from backtest.domain.marked import Unreadable
from backtest.domain.strategy import Content, mistakes_in
from backtest.marked_yaml import read_marked
from quant.rules import compile_series

CROSS = """version: "1.0"
metadata: {name: 골든크로스, description: Two averages, author: somebody, tags: [trend]}
strategy:
  id: cross
  category: trend
  params:
    fast: {default: 5, min: 2, max: 50, type: int}
    band: {default: 0.97}
  indicators:
    - {id: sma, alias: short, params: {period: $fast}}
    - {id: sma, params: {period: 20}}
    - {id: macd, alias: trend, output: histogram}
    - {id: rsi}
  candlesticks:
    - {id: doji, alias: pause}
  entry:
    conditions:
      - {indicator: short, operator: cross_above, compare_to: sma_1}
      - {indicator: trend, operator: greater_than, value: 0}
      - {indicator: trend, output: signal, operator: "<=", compare_to: trend, compare_output: value}
  exit:
    conditions:
      - {indicator: close, operator: less_than, compare_to: sma_1, compare_scalar: 0.97}
      - {indicator: rsi_1, operator: gte, value: 70.5}
      - {candlestick: pause}
      - {candlestick: engulfing_1, signal: bearish}
risk:
  stop_loss: {enabled: true, percent: 5.0}
  take_profit: {enabled: false, percent: 10}
  trailing_stop: {enabled: true, percent: 7.5}
  max_position_size: 0.5
"""


def taken_over(text: str) -> Content:
    return content_of(read_marked(text))


def test_a_file_becomes_two_rules_and_its_stops() -> None:
    content = taken_over(CROSS)
    assert (content.name, content.description) == ("골든크로스", "Two averages")
    assert content.rules.entry == (
        "crosses_above(sma(5), sma(20)) and macd(12, 26, 9).histogram > 0"
        " and macd(12, 26, 9).signal <= macd(12, 26, 9).macd"
    )
    assert content.rules.exit == "close < (sma(20) * 0.97) or rsi(14) >= 70.5 or cdldoji() != 0 or cdlengulfing() < 0"
    protected = content.rules
    assert (protected.stop_loss, protected.take_profit, protected.trailing_stop, protected.portion) == (
        Decimal("0.05"),
        None,
        Decimal("0.075"),
        Decimal("0.5"),
    )
    assert not mistakes_in(content.rules)


def test_conditions_are_joined_as_the_file_says() -> None:
    joined = CROSS.replace("  entry:\n", "  entry:\n    logic: OR\n").replace("  exit:\n", "  exit:\n    logic: AND\n")
    rules = taken_over(joined).rules
    assert (rules.entry.count(" or "), rules.exit.count(" and ")) == (2, 3)


def test_every_indicator_of_the_table_compiles_with_its_defaults() -> None:
    for wanted in INDICATORS.values():
        for text in wanted.filled(wanted.defaults).outputs.values():
            assert compile_series(text)


@pytest.mark.requirement("product 4: import of .kis.yaml")
@pytest.mark.parametrize(
    ("wrong", "right", "place", "said"),
    [
        ("operator: cross_above", "operator: jumps_over", (18, 38), "jumps_over is not known here"),
        ("compare_to: sma_1}\n      - {indicator: t", "compare_to: mad}\n      - {indicator: t", (18, 63), "mad"),
        ("period: $fast", "period: $quick", (10, 48), "$quick is no parameter of this strategy; its parameters: $fast"),
        ("period: 20", "period: 0", (11, 25), "period"),
        ("period: 20", "periods: 20", (11, 35), "periods is not known here; known are period"),
        ("id: rsi", "id: rsj", (13, 12), "rsj is not known here"),
        ("id: rsi", "id: atr", (13, 12), "atr cannot be taken over: there it is a plain average"),
        ("alias: short,", "alias: trend,", (12, 25), "two indicators are called trend"),
        ("output: histogram", "output: middle", (12, 40), "middle is no output here"),
        ("engulfing_1", "elephant_1", (26, 23), "elephant_1 is a pattern that is not known here"),
        ("value: 70.5", "value: high up", (24, 50), "high up is no number"),
        ("percent: 5.0", "percent: 100", (28, 39), "this is above 0 and at most 99.99"),
        ("percent: 5.0", "percent: .nan", (28, 39), ".nan is no number"),
        ("enabled: true, percent: 7.5", "enabled: maybe, percent: 7.5", (30, 28), "known are false, true"),
        ('version: "1.0"', 'version: "2.0"', (1, 10), "this is format 2.0"),
        ("name: 골든크로스, ", "", (2, 11), "name is missing here"),
        ("id: cross", "id: cross\n  id: other", (5, 3), "id is given twice"),
        ("tags: [trend]", "tags: [trend", (2, 82), "this is no YAML"),
        ("tags: [trend]", "tags: &a [trend]", (2, 76), "no anchors"),
        ("tags: [trend]", "tags: !!set [trend]", (2, 76), "no tags"),
        ("tags: [trend]", f"tags: {'[' * 12}{']' * 12}", (2, 86), "nested deeper than 12 levels"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_column(wrong: str, right: str, place: tuple[int, int], said: str) -> None:
    assert wrong in CROSS
    with pytest.raises(Unreadable) as refused:
        taken_over(CROSS.replace(wrong, right, 1))
    assert said in refused.value.message
    assert (refused.value.line, refused.value.column) == place


@pytest.mark.parametrize(
    ("text", "place"),
    [("", (1, 1)), ("- a", (1, 1)), ("a: \x01", (1, 4)), ("a: b\nc: \x01", (2, 4)), ("---\na: 1\n---\nb: 2", (3, 1))],
)
def test_what_is_no_such_file_at_all_is_refused_where_that_shows(text: str, place: tuple[int, int]) -> None:
    with pytest.raises(Unreadable) as refused:
        taken_over(text)
    assert (refused.value.line, refused.value.column) == place


def test_a_group_without_conditions_is_no_rule() -> None:
    empty = CROSS.split("  exit:", maxsplit=1)[0] + "  exit: {conditions: []}\n"
    with pytest.raises(Unreadable, match="without one this would hold on every bar"):
        taken_over(empty)

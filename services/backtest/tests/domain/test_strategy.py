"""Rules are compiled when they are kept, and mistakes are shown where they are."""

from backtest.domain.strategy import mistakes_in

from services.backtest.tests.builders import rules


def test_rules_that_compile_have_no_mistakes() -> None:
    assert mistakes_in(rules()) == []


def test_each_rule_that_does_not_compile_is_named_with_its_column() -> None:
    entry, leave = mistakes_in(rules(entry="rsi(14) < 30 and clos > 1", leave="sma(0) > close"))
    assert (entry.field, leave.field) == ("entry", "exit")
    assert entry.message.startswith("column 18:")
    assert leave.message.startswith("column 1:")

"""A strategy is a document: it says all of what the strategy does, and its templates can be traded as they are."""

from decimal import Decimal

import pytest
from backtest.domain import document
from backtest.domain.holdings import hold
from backtest.domain.prices import Prices, examine
from backtest.domain.run import Task
from backtest.domain.simulation import simulate
from backtest.domain.strategy import Portfolio, Ranked, Rules, mistakes_in
from backtest.domain.templates import TEMPLATES, Template
from hypothesis import given
from hypothesis import strategies as st

from services.backtest.tests.builders import a_history, a_universe, rules, terms

fractions = st.one_of(st.none(), st.decimals("0.0001", "0.9999", places=4))
any_portfolio = st.builds(
    Portfolio,
    market=st.sampled_from(["KRX", "US"]),
    ranking=st.tuples(st.builds(Ranked, st.just("roc(20)"), st.decimals("-9", "9", places=2))),
    positions=st.integers(1, 200),
    every=st.sampled_from(["day", "week", "month", "quarter"]),
    tolerance=st.decimals("0", "1", places=3),
    boards=st.sampled_from([(), ("KOSPI",), ("KOSPI", "KOSDAQ")]),
    kinds=st.sampled_from([(), ("etf",)]),
    symbols=st.sampled_from([(), ("005930", "000660")]),
)
any_rules = st.builds(
    Rules,
    entry=st.just("rsi(14) < 30"),
    exit=st.just("rsi(14) > 70"),
    stop_loss=fractions,
    take_profit=fractions,
    trailing_stop=fractions,
    holding_bars=st.one_of(st.none(), st.integers(1, 10_000)),
    portfolio=st.one_of(st.none(), any_portfolio),
    portion=st.decimals("0.01", "1", places=2),
    fee_schedule=st.sampled_from(["default", "institutions_only", "free"]),
    slippage=st.decimals("0", "0.1", places=4),
    volume_share=fractions,
)


@given(any_rules)
def test_what_was_written_is_read_again(written: Rules) -> None:
    assert document.read(document.write(written)) == written


def test_documents_are_equal_however_their_decimals_are_written() -> None:
    assert document.write(rules(stop_loss="0.0500")) == document.write(rules(stop_loss="0.05"))
    assert document.write(rules(stop_loss="0.0500"))["stops"]["stop_loss"] == "0.05"


def test_a_document_of_a_later_format_is_not_guessed_at() -> None:
    with pytest.raises(document.UnknownFormat, match="format 3"):
        document.read({**document.write(rules()), "format": 3})


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.key)
def test_every_template_compiles_and_trades(template: Template) -> None:
    assert mistakes_in(template.content.rules) == []
    assert template.name_ko != template.content.name
    if template.content.rules.portfolio is not None:
        assert hold(Task(terms(), template.content.rules), a_universe()).trades
        return
    traded = 0
    for seed in range(6):
        prices = examine(terms(), a_history(seed, 1_500))
        assert isinstance(prices, Prices)
        traded += len(simulate(Task(terms(), template.content.rules), prices).trades)
    assert traded > 0


def test_the_templates_have_different_keys() -> None:
    assert len({template.key for template in TEMPLATES}) == len(TEMPLATES)


def test_the_plan_of_a_document_reaches_the_engine() -> None:
    prices = examine(terms(), a_history(7, 800))
    assert isinstance(prices, Prices)
    entry, leave = "close > open", "close < 0"
    short = Rules(entry, leave, None, holding_bars=1)
    half = Rules(entry, leave, None, holding_bars=1, portion=Decimal("0.5"), fee_schedule="free")
    reasons = {trade.reason for trade in simulate(Task(terms(), short), prices).trades}
    assert reasons <= {"time", "open"}
    assert {
        trade.reason
        for trade in simulate(Task(terms(), Rules(entry, leave, None, None, Decimal("0.03"))), prices).trades
    } >= {"trailing_stop"}
    bought, fewer = (simulate(Task(terms(), plan), prices).trades[0] for plan in (short, half))
    assert fewer.shares == pytest.approx(bought.shares / 2, abs=1)
    assert fewer.costs < bought.costs / 2

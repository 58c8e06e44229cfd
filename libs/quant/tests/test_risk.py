"""Bounds of an account in a backtest: what they refuse is not traded, and everything else goes on as before."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from quant.backtest import (
    EventResult,
    Limited,
    StrategySpec,
    Venue,
    run_event_driven,
    run_portfolio_event_driven,
)
from quant.risk import CHECKS, Bounds

from libs.quant.tests.test_event_driven import a_walk
from libs.quant.tests.test_portfolio import FREE, a_universe

ALWAYS = StrategySpec("close > open", "close < open", stop_loss=0.03, initial_cash=10_000_000.0)
VENUE = Venue("KOSPI")


def within(spec: StrategySpec = ALWAYS, seed: int = 5, **bounds: Any) -> EventResult:
    return run_event_driven(a_walk(seed), spec, VENUE, Limited("005930", Bounds(**bounds)))


def test_bounds_that_never_bind_change_nothing_to_the_bit() -> None:
    free = run_event_driven(a_walk(5), ALWAYS, VENUE)
    wide = within(
        quantity_max=Decimal(10**9),
        value_max={"KRW": Decimal(10**12)},
        open_orders_max=100,
        open_value_max=Decimal(10**12),
        daily_trades_max=100,
        daily_loss_max=Decimal(10**12),
        position_value_max=Decimal(10**12),
        position_weight_max=Decimal(2),
        leverage_max=Decimal(2),
        restricted_symbols=frozenset({"000660"}),
    )
    assert wide.executions == free.executions
    assert wide.result.equity.tolist() == free.result.equity.tolist()
    assert not wide.refused
    assert free.executions


REFUSING: list[tuple[dict[str, Any], str]] = [
    ({"quantity_max": Decimal(10)}, "fat_finger_quantity"),
    ({"value_max": {"KRW": Decimal(1_000_000)}}, "fat_finger_value"),
    ({"open_orders_max": 0}, "open_order_limit"),
    ({"open_value_max": Decimal(1_000_000)}, "open_order_limit"),
    ({"daily_trades_max": 0}, "daily_trade_limit"),
    ({"daily_loss_max": Decimal(0)}, "daily_loss_limit"),
    ({"position_value_max": Decimal(1_000_000)}, "position_limit"),
    ({"position_weight_max": Decimal("0.3")}, "position_limit"),
    ({"leverage_max": Decimal("0.5")}, "position_limit"),
    ({"restricted_symbols": frozenset({"005930"})}, "restricted_symbol"),
]


def test_every_check_there_is_refuses_something_here() -> None:
    assert len(REFUSING) == len(CHECKS)


@pytest.mark.parametrize(("bound", "why"), REFUSING)
def test_each_bound_refuses_under_the_name_that_paper_gives_it(bound: dict[str, Any], why: str) -> None:
    run = within(**bound)
    assert {refused.why for refused in run.refused} == {why}
    assert {(refused.symbol, refused.side) for refused in run.refused} == {("005930", "buy")}
    assert not run.executions
    assert set(run.result.equity.tolist()) == {10_000_000.0}, "who trades nothing keeps the cash"


def test_a_loss_of_the_day_stops_buys_of_that_day_and_of_no_other() -> None:
    """A portfolio sells at a loss at the open and would buy another symbol at the same open."""
    universe = a_universe(seed=4, delisted=0)
    spec = replace(FREE, every="day", positions=2)
    run = run_portfolio_event_driven(universe, spec, Bounds(daily_loss_max=Decimal(1)))
    free = run_portfolio_event_driven(universe, spec)
    assert {refused.why for refused in run.refused} == {"daily_loss_limit"}
    lost = {trade.exit_date for _, trade in run.trades if trade.profit < 0}
    assert {refused.on for refused in run.refused} <= lost
    assert 0 < len(run.trades) < len(free.trades)


def test_a_sale_that_is_refused_is_tried_again_at_the_next_open() -> None:
    """One order a day: on a day that bought and then fell through its stop nothing is sold; the next open sells."""
    spec = replace(ALWAYS, exit="close > 0 and close < 0", stop_loss=0.005)
    once, free = within(spec, daily_trades_max=1), run_event_driven(a_walk(5), spec, VENUE)
    refused = [one for one in once.refused if one.side == "sell"]
    assert refused, "no day bought and came to its stop"
    assert {one.why for one in refused} == {"daily_trade_limit"}
    sessions = a_walk(5).dates[a_walk(5).traded].tolist()
    sold = {one.on for one in once.executions if one.side == "sell"}
    for one in refused:
        following = [day for day in sessions if day > one.on]
        assert not following or following[0] in sold
    assert free.executions != once.executions


def test_a_portfolio_of_weights_holds_no_more_than_the_bound_and_leaves_what_is_restricted() -> None:
    universe = a_universe(seed=7, delisted=0)
    name = run_portfolio_event_driven(universe, FREE).trades[0][0]
    run = run_portfolio_event_driven(universe, FREE, Bounds(restricted_symbols=frozenset({name})))
    assert run.trades
    assert name not in {symbol for symbol, _ in run.trades}
    assert {refused.symbol for refused in run.refused} == {name}

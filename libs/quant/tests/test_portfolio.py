"""Portfolios: both engines make the same trades, nothing looks ahead, and each rule of trading binds."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quant.backtest import (
    Factor,
    PortfolioSpec,
    StrategySpec,
    Universe,
    choices_of,
    cost_rates,
    find_look_ahead_in_panel,
    run,
    run_portfolio,
    run_portfolio_event_driven,
)
from quant.bars import FIELDS, Bars
from quant.markets.calendar import sessions_between
from quant.panel import Panel
from quant.rules import RuleError

DAYS = sessions_between("KRX", date(2022, 1, 3), date(2024, 12, 30))
FREE = PortfolioSpec("close > sma(5)", (Factor("roc(10)"),), 3, "week", schedule="free")


def a_universe(
    seed: int = 3,
    symbols: int = 8,
    count: int = 250,
    *,
    kind: str = "etf",
    halted: float = 0.02,
    delisted: int = 2,
    wild: float = 0.03,
) -> Universe:
    """Prices that wander in whole won, with days on which nothing traded, and symbols that leave."""
    random = np.random.default_rng(seed)
    names, dates, ends = [], [], np.full(symbols, np.datetime64("NaT"), dtype="datetime64[D]")
    columns: dict[str, list[float]] = {name: [] for name in FIELDS}
    for symbol in range(symbols):
        days = list(DAYS[:count])
        if symbol < delisted:
            left = int(random.integers(count // 3, count - 1))
            ends[symbol], days = days[left], days[:left]
        close = 20_000.0
        for day in days:
            before, close = close, float(np.round(max(100.0, close * np.exp(random.normal(0, wild)))))
            opened = float(np.round(before * np.exp(random.normal(0, wild / 3))))
            bar = [opened, max(opened, close) + 50, min(opened, close) - 50, close, float(random.integers(10, 2_000))]
            if random.uniform() < halted:
                close = before
                bar = [0.0, 0.0, 0.0, close, 0.0]
            names.append(f"{symbol:06d}")
            dates.append(day)
            for name, value in zip(FIELDS, bar, strict=True):
                columns[name].append(value)
    panel = Panel.of(names, np.array(dates, "datetime64[D]"), {name: np.array(each) for name, each in columns.items()})
    return Universe(panel, ["KOSPI"] * symbols, [kind] * symbols, ends)


SPECS = st.builds(
    lambda positions, every, tolerance, volume_share, stops: replace(
        FREE,
        positions=positions,
        every=every,
        tolerance=tolerance,
        volume_share=volume_share,
        stop_loss=stops[0],
        take_profit=stops[1],
    ),
    st.integers(1, 5),
    st.sampled_from(["day", "week", "month"]),
    st.sampled_from([0.0, 0.2, 1.0]),
    st.sampled_from([None, 0.1, 0.5]),
    st.sampled_from([(None, None), (0.03, None), (0.04, 0.06)]),
)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), spec=SPECS, wild=st.sampled_from([0.03, 0.2]))
def test_both_engines_make_the_same_trades(seed: int, spec: PortfolioSpec, wild: float) -> None:
    universe = a_universe(seed, count=120, wild=wild)
    loop, exchange = run_portfolio(universe, spec), run_portfolio_event_driven(universe, spec)
    assert loop.equity.tolist() == exchange.equity.tolist()
    assert loop.settled_cash.tolist() == exchange.settled_cash.tolist()
    assert [_without_means(trade) for trade in loop.trades] == [_without_means(trade) for trade in exchange.trades]
    for (_, one), (_, other) in zip(loop.trades, exchange.trades, strict=True):
        assert one.entry_price == pytest.approx(other.entry_price, rel=1e-12)
        assert one.profit == pytest.approx(other.profit, abs=1e-3)
    assert (loop.unfilled, loop.chosen) == (exchange.unfilled, exchange.chosen)


def _without_means(trade: tuple[str, object]) -> tuple[object, ...]:
    symbol, trip = trade
    return symbol, trip.entry_date, trip.exit_date, trip.shares, trip.reason  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(8))
def test_a_portfolio_of_one_symbol_trades_as_a_strategy_does(seed: int) -> None:
    universe = a_universe(seed, symbols=1, halted=0.0, delisted=0)
    bars = Bars.of(universe.panel.dates, dict(universe.panel.frame))
    strategy = StrategySpec("close > sma(5)", "not close > sma(5)", stop_loss=0.03, take_profit=0.05)
    spec = replace(FREE, factors=(Factor("close"),), positions=1, every="day", tolerance=1.0)
    alone = run(bars, strategy, cost_rates(bars, "KOSPI", "etf", "free"))
    held = run_portfolio(universe, replace(spec, stop_loss=0.03, take_profit=0.05))
    assert len(alone.trades) > 10
    assert tuple(trade for _, trade in held.trades) == alone.trades
    assert held.equity.tolist() == alone.equity.tolist()
    assert held.metrics == alone.metrics


def chosen_by(universe: Universe, spec: PortfolioSpec) -> dict[str, np.ndarray]:
    """Who stands where in the newest choice of each day: what is traded of it is seen a day later only."""
    made, chosen = choices_of(universe, spec)
    newest = np.maximum.accumulate(made)
    return {f"rank {place + 1}": chosen[newest, place] for place in range(spec.positions)}


@pytest.mark.requirement("product 4: no look-ahead, checked by a detector")
@pytest.mark.parametrize("every", ["day", "week", "month", "quarter"])
def test_no_portfolio_looks_ahead(every: str) -> None:
    universe = a_universe(5)
    panel = Panel(
        universe.panel.symbols,
        universe.panel.starts,
        universe.panel.dates,
        {**universe.panel.frame, "per": np.abs(np.sin(np.arange(len(universe.panel.dates)))) * 20},
    )
    ranked = (Factor("roc(10)"), Factor("per", -1.0))
    spec = replace(FREE, every=every, factors=ranked, stop_loss=0.05, extra_fields=frozenset({"per"}))

    def observe(seen: Panel) -> dict[str, np.ndarray]:
        again = Universe(seen, universe.boards, universe.kinds, universe.delisted)
        loop, exchange = run_portfolio(again, spec), run_portfolio_event_driven(again, spec)
        return {
            "loop": loop.equity,
            "exchange": exchange.equity,
            "settled": loop.settled_cash,
            **chosen_by(again, spec),
        }

    assert find_look_ahead_in_panel(panel, observe, cuts=5) == ()


def test_the_detector_catches_a_ranking_that_knows_tomorrow() -> None:
    universe = a_universe(5)

    def observe(seen: Panel) -> dict[str, np.ndarray]:
        tomorrow = {**seen.frame, "per": np.append(seen.frame["close"][1:] / seen.frame["close"][:-1], 1.0)}
        panel = Panel(seen.symbols, seen.starts, seen.dates, tomorrow)
        again = Universe(panel, universe.boards, universe.kinds, universe.delisted)
        spec = replace(FREE, factors=(Factor("per"),), extra_fields=frozenset({"per"}), every="day")
        return {"equity": run_portfolio(again, spec).equity, **chosen_by(again, spec)}

    assert "rank 1" in {leak.column for leak in find_look_ahead_in_panel(universe.panel, observe)}


def test_what_is_held_of_a_symbol_that_leaves_is_paid_out_at_its_last_close() -> None:
    universe = a_universe(9, symbols=3, delisted=3, halted=0.0)
    spec = replace(FREE, condition="close > 0", positions=3, every="quarter")
    ended = [trade for _, trade in run_portfolio(universe, spec).trades if trade.reason == "delisted"]
    assert ended
    last = {universe.panel.dates[row].item(): universe.panel.frame["close"][row] for row in universe.panel.last_rows}
    assert all(last[trade.exit_date] == trade.exit_price for trade in ended)


def test_a_price_limit_keeps_everybody_out_and_in() -> None:
    universe = a_universe(4, symbols=1, delisted=0, halted=0.0, count=40)
    frame = {name: values.copy() for name, values in universe.panel.frame.items()}
    for name in ("open", "high", "low", "close"):
        frame[name][:] = 10_000.0
        frame[name][20:] = 13_000.0  # a whole day at the upper limit
        frame[name][21:] = 9_100.0  # and one at the lower
        frame[name][22:] = 9_000.0
    panel = Panel(universe.panel.symbols, universe.panel.starts, universe.panel.dates, frame)
    limited = Universe(panel, ["KOSPI"], ["stock"], universe.delisted)
    spec = replace(FREE, condition="sma(19) == 10000", positions=1, every="day", tolerance=1.0)
    found = run_portfolio(limited, replace(spec, factors=(Factor("close"),)))
    ((_, trade),) = found.trades
    # chosen at the close of day 18, bought on day 19, given up on day 20, locked in on day 21, sold on day 22
    assert (trade.entry_date, trade.exit_date) == (DAYS[19], DAYS[22])
    assert trade.exit_price == 9_000.0
    assert found.unfilled == 1


def test_costs_are_those_of_each_board_and_date_and_sales_settle_later() -> None:
    universe = a_universe(6, kind="stock", halted=0.0, delisted=0)
    spec = replace(FREE, schedule="default")
    loop, exchange = run_portfolio(universe, spec), run_portfolio_event_driven(universe, spec)
    assert loop.equity[-1] < run_portfolio(universe, replace(spec, schedule="free")).equity[-1]
    assert loop.equity[-1] == pytest.approx(exchange.equity[-1], rel=2e-3)  # rates, and amounts cut to the won
    first = int(np.flatnonzero(loop.equity != spec.initial_cash)[0])
    assert loop.settled_cash[first - 1 : first + 2].tolist() == [spec.initial_cash] * 3 or first == 0
    assert loop.settled_cash[first + 2] < spec.initial_cash


@pytest.mark.parametrize("text", ["macd(12, 26, 9)", "close > 3", "per", "roc("])
def test_a_ranking_that_is_no_number_is_refused_with_its_column(text: str) -> None:
    with pytest.raises(RuleError, match="column"):
        run_portfolio(a_universe(1, symbols=1, count=30), replace(FREE, factors=(Factor(text),)))

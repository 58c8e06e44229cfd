"""Backtests: a grid of average crosses on the compiled loop, and one strategy on the exchange, bars a second.

Each beside the best simple program for the same trades (`baselines/plain_backtest.py`), beside vectorbt and
backtesting.py (`baselines/peer_backtests.py`), and at ten times the bars for the exponent of the cost. Alone:
`python -m benchmarks.backtests`.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import combinations
from typing import Any, Final

import numpy as np
from quant.backtest import (
    CostRates,
    Factor,
    PortfolioSpec,
    StrategySpec,
    Universe,
    Venue,
    run,
    run_event_driven,
    run_portfolio,
    run_portfolio_event_driven,
    sweep_sma_cross,
)
from quant.bars import Bars
from quant.markets.calendar import sessions_between
from quant.panel import Panel

from benchmarks import markets
from benchmarks.baselines import peer_backtests, plain_backtest
from benchmarks.results import Result, result

BARS: Final = 2_148
EVENT_BARS: Final = 5_000
"""About as many sessions as one calendar holds before its end: 20 years."""
WINDOWS: Final = range(2, 102)
FEE: Final = 0.0015
CASH: Final = 100_000_000.0
SEED: Final = 20_000_103
TIMES: Final = 7
VECTORBT_EVERY: Final = 5
"""Every fifth pair is given to vectorbt at once: all of them would take gigabytes."""
PORTFOLIO_SYMBOLS: Final = markets.SYMBOLS
PORTFOLIO_DAYS: Final = markets.DAYS
AHEAD_OF_PEERS_MIN: Final = {
    "backtest_sweep_beside_vectorbt": 50,
    "backtest_sweep_beside_backtesting": 1_000,
    "backtest_event_beside_backtesting": 5,
}
PORTFOLIO_SECONDS_MAX: Final = 2
PLAIN_PAIRS: Final = 99
"""Pairs the simple program is measured on: its time for the whole grid is this times the rest."""


def a_walk(size: int, seed: int = SEED) -> Bars:
    """A price that wanders, on consecutive days."""
    random = np.random.default_rng(seed)
    close = 10_000 * np.exp(random.normal(0.0002, 0.015, size).cumsum())
    opened = close * np.exp(random.normal(0, 0.005, size))
    days = np.datetime64("1950-01-01") + np.arange(size)
    columns = {
        "open": opened,
        "high": np.maximum(opened, close) * 1.005,
        "low": np.minimum(opened, close) * 0.995,
        "close": close,
        "volume": np.full(size, 1e6),
    }
    return Bars.of(days, columns)


def backtest_sweep() -> list[Result]:
    """Combinations a second: 4,950 crosses over 2,148 bars with fees."""
    pairs = list(combinations(WINDOWS, 2))

    def ours(bars: Bars) -> Any:
        rates = CostRates(np.full(len(bars), FEE), np.full(len(bars), FEE))
        return sweep_sma_cross(bars, pairs, rates, CASH)

    bars, longer = a_walk(BARS), a_walk(BARS * 10)
    few = pairs[:: len(pairs) // PLAIN_PAIRS][:PLAIN_PAIRS]
    expected = plain_backtest.sweep(bars, few, FEE, CASH)
    found = ours(bars)[:: len(pairs) // PLAIN_PAIRS][:PLAIN_PAIRS]
    assert np.allclose(found[:, 0], [final for final, _ in expected], rtol=1e-9), "the sweep and its baseline disagree"
    assert found[:, 2].tolist() == [closed for _, closed in expected], "they do not make the same trades"
    seconds, tenfold = _median(lambda: ours(bars)), _median(lambda: ours(longer), 3)
    plain = _median(lambda: plain_backtest.sweep(bars, few, FEE, CASH), 3) / len(few)
    frame = peer_backtests.frame_of(bars)
    part = pairs[::VECTORBT_EVERY]
    theirs = peer_backtests.sweep_by_vectorbt(frame, part, FEE, CASH)  # warm from here on
    assert np.allclose(theirs, ours(bars)[::VECTORBT_EVERY, 0], rtol=1e-9), "the sweep and vectorbt disagree"
    one = peer_backtests.run_by_backtesting(frame, pairs[0], FEE, CASH)
    assert np.isclose(one["Equity Final [$]"], ours(bars)[0, 0], rtol=1e-9), "the sweep and backtesting.py disagree"
    vectorbt = _median(lambda: peer_backtests.sweep_by_vectorbt(frame, part, FEE, CASH), 3) / len(part)
    backtesting = _median(lambda: peer_backtests.run_by_backtesting(frame, pairs[0], FEE, CASH), 3)
    return [
        result("backtest_sweep", len(pairs) / seconds, "combinations/s", 1 / plain),
        result("backtest_sweep_beside_vectorbt", len(pairs) / seconds, "combinations/s", 1 / vectorbt),
        result("backtest_sweep_beside_backtesting", len(pairs) / seconds, "combinations/s", 1 / backtesting),
        result("backtest_sweep_exponent", float(np.log10(tenfold / seconds)), "exponent"),
    ]


def backtest_event() -> list[Result]:
    """Bars a second of one cross with fees and dated taxes through the exchange; the baseline knows no exchange."""
    days = sessions_between("KRX", date(2003, 1, 1), date(2026, 11, 1))[:EVENT_BARS]
    walk = a_walk(len(days))
    whole = {name: np.round(getattr(walk, name)) for name in ("open", "high", "low", "close", "volume")}
    bars = Bars.of(list(days), whole)
    spec = StrategySpec("crosses_above(sma(10), sma(30))", "crosses_below(sma(10), sma(30))", initial_cash=CASH)
    replayed = run_event_driven(bars, spec, Venue("KOSPI", "etf", "free")).result
    assert replayed.trades == run(bars, spec, CostRates.free(bars)).trades, "the engines disagree"
    part = Bars.of(bars.dates[: EVENT_BARS // 10], {name: values[: EVENT_BARS // 10] for name, values in whole.items()})
    venue = Venue("KOSPI")
    seconds = _median(lambda: run_event_driven(bars, spec, venue))
    tenth = _median(lambda: run_event_driven(part, spec, venue))
    plain = _median(lambda: plain_backtest.replay(bars, (10, 30), FEE, CASH))
    frame = peer_backtests.frame_of(bars)
    peer = _median(lambda: peer_backtests.run_by_backtesting(frame, (10, 30), FEE, CASH), 3)
    return [
        result("backtest_event", len(bars) / seconds, "bars/s", len(bars) / plain),
        result("backtest_event_beside_backtesting", len(bars) / seconds, "bars/s", len(bars) / peer),
        result("backtest_event_exponent", float(np.log10(seconds / tenth)), "exponent"),
    ]


def backtest_portfolio() -> list[Result]:
    """Seconds for the best thirty of a market of KRX's size by momentum, chosen monthly; beside the exchange.

    The exponents are of ten times the symbols, and of ten times the days.
    """
    spec = PortfolioSpec("close > sma(100)", (Factor("roc(120)"),), 30, volume_share=0.05, initial_cash=CASH)
    days = sessions_between("KRX", date(2009, 1, 1), date(2026, 11, 1))[: PORTFOLIO_DAYS * 10]

    def a_market(symbols: int, count: int) -> Universe:
        panel = markets.invented(symbols, count)
        dates = np.tile(np.array(days[-count:], dtype="datetime64[D]"), symbols)
        moved = Panel(panel.symbols, panel.starts, dates, panel.frame)
        none = np.full(symbols, np.datetime64("NaT"), dtype="datetime64[D]")
        return Universe(moved, ["KOSPI"] * symbols, ["stock"] * symbols, none)

    def seconds(universe: Universe, engine: Callable[[Universe, PortfolioSpec], Any] = run_portfolio) -> float:
        # a fresh one each time: where rows lie is worked out once and kept
        return _median(lambda: engine(replace(universe), spec), 3)

    whole, tenth = a_market(PORTFOLIO_SYMBOLS, PORTFOLIO_DAYS), a_market(PORTFOLIO_SYMBOLS // 10, PORTFOLIO_DAYS)
    run_portfolio(tenth, spec)  # compiled from here on
    longer = a_market(PORTFOLIO_SYMBOLS // 10, PORTFOLIO_DAYS * 10)
    taken, little = seconds(whole), seconds(tenth)
    return [
        result("backtest_portfolio", taken, "s", seconds(whole, run_portfolio_event_driven)),
        result("backtest_portfolio_exponent_symbols", float(np.log10(taken / little)), "exponent"),
        result("backtest_portfolio_exponent_days", float(np.log10(seconds(longer) / little)), "exponent"),
    ]


def measure() -> list[Result]:
    """All of them."""
    return [*backtest_sweep(), *backtest_event(), *backtest_portfolio()]


def _median(work: Callable[[], Any], times: int = TIMES) -> float:
    taken = []
    for _ in range(times):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    for item in measure():
        print(item)

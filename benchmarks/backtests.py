"""Backtests: a grid of average crosses on the compiled loop, and one strategy on the exchange, bars a second.

Each beside the best simple program for the same trades (`baselines/plain_backtest.py`), and at ten times the bars for
the exponent of the cost. Alone: `python -m benchmarks.backtests`.
"""

import statistics
import time
from collections.abc import Callable
from datetime import date
from itertools import combinations
from typing import Any, Final

import numpy as np
from quant.backtest import CostRates, StrategySpec, Venue, run, run_event_driven, sweep_sma_cross
from quant.bars import Bars
from quant.markets.calendar import sessions_between

from benchmarks.baselines import plain_backtest
from benchmarks.results import Result, result

BARS: Final = 2_148
EVENT_BARS: Final = 5_000
"""About as many sessions as one calendar holds before its end: 20 years."""
WINDOWS: Final = range(2, 102)
FEE: Final = 0.0015
CASH: Final = 100_000_000.0
SEED: Final = 20_000_103
TIMES: Final = 7
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
    return [
        result("backtest_sweep", len(pairs) / seconds, "combinations/s", 1 / plain),
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
    return [
        result("backtest_event", len(bars) / seconds, "bars/s", len(bars) / plain),
        result("backtest_event_exponent", float(np.log10(seconds / tenth)), "exponent"),
    ]


def measure() -> list[Result]:
    """Both."""
    return [*backtest_sweep(), *backtest_event()]


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

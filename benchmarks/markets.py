"""Market data: a screen over a whole market, beside pandas, on an invented market of KRX's size."""

import statistics
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
from quant.panel import Panel
from quant.rules import compile_rule

from benchmarks.baselines import pandas_screen
from benchmarks.results import Result, result

SYMBOLS = 2_761
DAYS = 370
LAST = date(2025, 6, 17)
RULE = "rsi(14) < 45 and close > sma(20) * 0.98 and volume > sma(volume, 20)"
TIMES = 9
SEED = 20_250_617


def invented(symbols: int, days: int) -> Panel:
    """A market of random walks, the same every time."""
    random = np.random.default_rng(SEED)
    close = np.exp(random.normal(scale=0.02, size=(symbols, days)).cumsum(axis=1)) * 10_000
    spread = close * random.uniform(0, 0.02, size=close.shape)
    columns = {
        "open": close - spread / 2,
        "high": close + spread,
        "low": close - spread,
        "close": close,
        "volume": random.integers(1_000, 1_000_000, size=close.shape).astype(float),
    }
    dates = np.array([LAST - timedelta(days=back) for back in range(days - 1, -1, -1)], dtype="datetime64[D]")
    names = [f"{place:06d}" for place in range(symbols) for _ in range(days)]
    return Panel.of(names, np.tile(dates, symbols), {name: values.ravel() for name, values in columns.items()})


def screen_market() -> list[Result]:
    """Measure one screen at the size of the market and at ten times its history, and the same by pandas."""
    panel, longer = invented(SYMBOLS, DAYS), invented(SYMBOLS, DAYS * 10)
    rule = compile_rule(RULE)

    def ours(which: Panel) -> list[str]:
        rows, holds = which.holding(rule, LAST)
        return [which.symbols[place] for place in np.searchsorted(which.starts, rows[holds], side="right") - 1]

    frames = _frames(panel)
    found, expected = ours(panel), pandas_screen.matches(frames)
    assert found == expected, "the screen and its baseline disagree"
    assert found, "a screen that finds nothing measures nothing"
    milliseconds = _median(lambda: ours(panel))
    tenfold = _median(lambda: ours(longer))
    return [
        result("screen_market", milliseconds, "ms", _median(lambda: pandas_screen.matches(frames), 1)),
        result("screen_market_exponent", float(np.log10(tenfold / milliseconds)), "exponent"),
    ]


def _frames(panel: Panel) -> dict[str, pd.DataFrame]:
    edges = [*panel.starts.tolist(), len(panel.dates)]
    return {
        symbol: pd.DataFrame({name: values[edges[place] : edges[place + 1]] for name, values in panel.frame.items()})
        for place, symbol in enumerate(panel.symbols)
    }


def _median(work: Callable[[], Any], times: int = TIMES) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append((time.perf_counter() - began) * 1_000)
    return statistics.median(taken)


if __name__ == "__main__":
    for item in screen_market():
        print(item)

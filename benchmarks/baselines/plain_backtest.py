"""Average crosses as one would write them without an engine: numpy for the signals, Python for what they trade."""

from collections.abc import Sequence

import numpy as np
from quant.bars import Bars, Mask, Series


def sweep(bars: Bars, pairs: Sequence[tuple[int, int]], fee: float, cash: float) -> list[tuple[float, int]]:
    """Final equity and closed trades of each pair: only bars with a signal are looked at."""
    averages = {period: _average(bars.close, period) for pair in pairs for period in pair}
    return [_one(bars, averages[fast], averages[slow], fee, cash) for fast, slow in pairs]


def replay(bars: Bars, pair: tuple[int, int], fee: float, cash: float) -> tuple[list[float], int]:
    """Equity at each close and closed trades: every bar is looked at, one after another."""
    entries, exits = _signals(_average(bars.close, pair[0]), _average(bars.close, pair[1]))
    opens, closes, into, out = bars.open.tolist(), bars.close.tolist(), entries.tolist(), exits.tolist()
    equity, shares, closed = [cash], 0.0, 0
    for bar in range(1, len(closes)):
        price = opens[bar]
        if into[bar - 1] and not shares:
            shares = cash // (price * (1 + fee))
            cash -= shares * price * (1 + fee)
        elif out[bar - 1] and shares:
            cash += shares * price * (1 - fee)
            shares, closed = 0.0, closed + 1
        equity.append(cash + shares * closes[bar])
    return equity, closed


def _one(bars: Bars, fast: Series, slow: Series, fee: float, cash: float) -> tuple[float, int]:
    entries, exits = _signals(fast, slow)
    shares, closed = 0.0, 0
    for bar in np.flatnonzero(entries | exits):
        if bar + 1 == len(bars):
            break
        price = bars.open[bar + 1]
        if entries[bar] and not shares:
            shares = np.floor(cash / (price * (1 + fee)))
            cash -= shares * price * (1 + fee)
        elif exits[bar] and shares:
            cash += shares * price * (1 - fee)
            shares, closed = 0.0, closed + 1
    return float(cash + shares * bars.close[-1]), closed


def _signals(fast: Series, slow: Series) -> tuple[Mask, Mask]:
    above, below = fast > slow, fast < slow
    entries, exits = np.zeros(len(fast), dtype=bool), np.zeros(len(fast), dtype=bool)
    entries[1:] = above[1:] & (fast[:-1] <= slow[:-1])
    exits[1:] = below[1:] & (fast[:-1] >= slow[:-1])
    return entries, exits


def _average(values: Series, period: int) -> Series:
    result = np.full(len(values), np.nan)
    sums = np.convolve(values, np.ones(period), "valid")
    result[period - 1 :] = sums / period
    return result

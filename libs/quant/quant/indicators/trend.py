"""Strength and direction of a trend, true ranges, stops that follow."""

import numpy as np

from quant.bars import Series
from quant.indicators.averages import highest, lowest
from quant.indicators.bare_talib import talib
from quant.indicators.model import (
    BAR,
    CLOSE,
    VALUE,
    Indicator,
    Parameter,
    divided,
    multiple,
    one,
    period,
    several,
    shifted,
)

_OHLC = ("open", "high", "low", "close")


def _wilder(values: Series, window: int) -> Series:
    """Wilder's smoothing of a series of no negative values, seeded by the mean of values 1..window."""
    zeros = np.zeros_like(values)
    # The true range of a bar from 0 to x whose last close was 0 is x: the ATR of such bars smooths x.
    return np.asarray(talib.ATR(values, zeros, zeros, window), dtype=np.float64)


def _adx(high: Series, low: Series, close: Series, window: int) -> tuple[Series, ...]:
    nothing = np.full_like(close, np.nan)
    if len(close) <= window:
        return nothing, nothing.copy(), nothing.copy(), nothing.copy()
    up, down = np.diff(high, prepend=high[:1]), -np.diff(low, prepend=low[:1])
    plus = _wilder(np.where((up > down) & (up > 0), up, 0.0), window)
    minus = _wilder(np.where((down > up) & (down > 0), down, 0.0), window)
    average_range = talib.ATR(high, low, close, window)
    with np.errstate(divide="ignore", invalid="ignore"):
        plus_di, minus_di = 100 * plus / average_range, 100 * minus / average_range
        total = plus_di + minus_di
        index = np.where(total == 0, 0.0, 100 * np.abs(plus_di - minus_di) / total)
    # The first direction is known at `window`; the value before it only has to be a number.
    direction = index.copy()
    direction[:window] = 0.0
    index[:window] = np.nan
    adx = nothing
    adx[window - 1 :] = _wilder(direction[window - 1 :], window)
    return adx, plus_di, minus_di, index


def _chop(high: Series, low: Series, close: Series, window: int) -> tuple[Series, ...]:
    before = shifted(close, 1)
    top, bottom = np.where(before > high, before, high), np.where(before < low, before, low)
    top[:1] = bottom[:1] = np.nan
    ranges = talib.SUM(talib.TRANGE(high, low, close), window)
    with np.errstate(all="ignore"):
        return (100 * np.log10(divided(ranges, highest(top, window) - lowest(bottom, window))) / np.log10(window),)


def _ulcer(close: Series, window: int) -> tuple[Series, ...]:
    result = np.full_like(close, np.nan)
    if len(close) >= window:
        windows = np.lib.stride_tricks.sliding_window_view(close, window)
        falls = 100 * (windows / np.maximum.accumulate(windows, axis=1) - 1)
        result[window - 1 :] = np.sqrt((falls * falls).sum(axis=1) / window)
    return (result,)


def _chandelier(high: Series, low: Series, close: Series, window: int, width: float) -> tuple[Series, ...]:
    distance = width * talib.ATR(high, low, close, window)
    return highest(high, window) - distance, lowest(low, window) + distance


def _supertrend(high: Series, low: Series, close: Series, window: int, width: float) -> tuple[Series, ...]:
    line, direction = talib.SUPERTREND(high, low, close, window, width)
    return line, np.where(np.isnan(line), np.nan, direction)


def _heikinashi(open_: Series, high: Series, low: Series, close: Series) -> tuple[Series, ...]:
    if not len(close):
        return open_, high, low, close
    return tuple(talib.HA(open_, high, low, close))


ROWS = (
    Indicator("tr", BAR, (), VALUE, one(talib.TRANGE), lambda: 1, "true range"),
    Indicator("atr", BAR, (period(14, 1),), VALUE, one(talib.ATR), lambda n: n, "average true range"),
    Indicator("natr", BAR, (period(14, 1),), VALUE, one(talib.NATR), lambda n: n, "the same in percent of the close"),
    Indicator(
        "adx",
        BAR,
        (period(14),),
        ("adx", "plus", "minus", "dx"),
        _adx,
        lambda n: (2 * n - 1, n, n, n),
        "strength and direction of the trend",
    ),
    Indicator(
        "vortex", BAR, (period(14),), ("plus", "minus"), several(talib.VORTEX), lambda n: n, "upward, downward movement"
    ),
    Indicator("chop", BAR, (period(14),), VALUE, _chop, lambda n: n, "choppiness: 100 goes nowhere"),
    Indicator("ulcer", CLOSE, (period(14),), VALUE, _ulcer, lambda n: n - 1, "depth and length of falls"),
    Indicator(
        "supertrend",
        BAR,
        (period(10), multiple("width", 3.0)),
        ("line", "direction"),
        _supertrend,
        lambda n, _: n,
        "a stop that follows; direction is 1 in a rise and -1 in a fall",
    ),
    Indicator(
        "chandelier",
        BAR,
        (period(22), multiple("width", 3.0)),
        ("long", "short"),
        _chandelier,
        lambda n, _: n,
        "stops hung from the highest high, propped on the lowest low",
    ),
    Indicator(
        "psar",
        ("high", "low"),
        (Parameter("step", 0.02, 0.001, 1.0, is_whole=False), Parameter("limit", 0.2, 0.001, 1.0, is_whole=False)),
        VALUE,
        one(talib.SAR),
        lambda *_: 1,
        "parabolic stop and reverse",
    ),
    Indicator(
        "heikinashi",
        _OHLC,
        (),
        ("open", "high", "low", "close"),
        _heikinashi,
        lambda: 0,
        "averaged candles",
    ),
)

"""Averages of prices, and bands and channels around them."""

from collections.abc import Callable
from math import isqrt

import numpy as np

from quant.bars import Series
from quant.indicators.bare_talib import talib
from quant.indicators.model import (
    BAR,
    CLOSE,
    VALUE,
    Indicator,
    Parameter,
    multiple,
    one,
    period,
    shifted,
    span,
)

PERCENT_MAX = 100.0


def extreme(function: Callable[..., Series]) -> Callable[[Series, int], Series]:
    """TA-Lib's MAX or MIN, for windows of one bar too."""

    def compute_extreme(series: Series, window: int) -> Series:
        return series.copy() if window == 1 else function(series, window)

    return compute_extreme


highest, lowest = extreme(talib.MAX), extreme(talib.MIN)


def smoothed(series: Series, window: int) -> Series:
    """Wilder's moving average, started from the plain mean of its first values."""
    return series.copy() if window == 1 else np.asarray(talib.RMA(series, window))


def _kama(close: Series, window: int) -> tuple[Series, ...]:
    average = talib.KAMA(close, window)
    if len(close) > window:
        average[window - 1] = close[window - 1]  # TA-Lib starts from this close, and keeps it to itself
    return (average,)


def _alma(close: Series, window: int, offset: float, sigma: float) -> tuple[Series, ...]:
    places = np.arange(window)
    weights = np.exp(-((places - offset * (window - 1)) ** 2) / (2 * (window / sigma) ** 2))
    result = np.full_like(close, np.nan)
    if len(close) >= window:
        windows = np.lib.stride_tricks.sliding_window_view(close, window)
        # a product bar by bar: a matrix product may add in another order for another number of bars
        result[window - 1 :] = (windows * (weights / weights.sum())).sum(axis=1)
    return (result,)


def _bands(average: Series, distance: Series) -> tuple[Series, ...]:
    return average + distance, average, average - distance


def _bbands(close: Series, window: int, width: float) -> tuple[Series, ...]:
    upper, middle, lower = talib.BBANDS(close, window, width, width)
    return upper, middle, lower


def _accbands(high: Series, low: Series, close: Series, window: int) -> tuple[Series, ...]:
    upper, middle, lower = talib.ACCBANDS(high, low, close, window)
    return upper, middle, lower


def _keltner(
    high: Series, low: Series, close: Series, window: int, width: float, range_window: int
) -> tuple[Series, ...]:
    return _bands(talib.EMA(close, window), width * talib.ATR(high, low, close, range_window))


def _starc(
    high: Series, low: Series, close: Series, window: int, width: float, range_window: int
) -> tuple[Series, ...]:
    return _bands(talib.SMA(close, window), width * talib.ATR(high, low, close, range_window))


def _envelope(close: Series, window: int, percent: float) -> tuple[Series, ...]:
    average = talib.SMA(close, window)
    return _bands(average, average * (percent / 100))


def _donchian(high: Series, low: Series, window: int) -> tuple[Series, ...]:
    upper, lower = shifted(highest(high, window), 1), shifted(lowest(low, window), 1)
    return upper, (upper + lower) / 2, lower


def _ichimoku(high: Series, low: Series, fast: int, slow: int, span_b: int) -> tuple[Series, ...]:
    def middle(window: int) -> Series:
        return (highest(high, window) + lowest(low, window)) / 2

    tenkan, kijun = middle(fast), middle(slow)
    return tenkan, kijun, shifted((tenkan + kijun) / 2, slow), shifted(middle(span_b), slow)


def _alligator(high: Series, low: Series, jaw: int, teeth: int, lips: int) -> tuple[Series, ...]:
    middle = (high + low) / 2
    offsets = (8, 5, 3)
    return tuple(
        shifted(smoothed(middle, window), offset) for window, offset in zip((jaw, teeth, lips), offsets, strict=True)
    )


def _gator(high: Series, low: Series, jaw: int, teeth: int, lips: int) -> tuple[Series, ...]:
    jaws, teeths, lip = _alligator(high, low, jaw, teeth, lips)
    return np.abs(jaws - teeths), -np.abs(teeths - lip)


_BANDS = ("upper", "middle", "lower")
_HILO = ("high", "low")
_JAWS = (span("jaw", 13), span("teeth", 8), span("lips", 5))

ROWS = (
    Indicator("sma", CLOSE, (period(20, 1),), VALUE, one(talib.SMA), lambda n: n - 1, "simple moving average"),
    Indicator("ema", CLOSE, (period(20, 1),), VALUE, one(talib.EMA), lambda n: n - 1, "exponential moving average"),
    Indicator("wma", CLOSE, (period(20, 1),), VALUE, one(talib.WMA), lambda n: n - 1, "linearly weighted average"),
    Indicator(
        "rma", CLOSE, (period(14, 1),), VALUE, one(smoothed), lambda n: n - 1, "Wilder's (smoothed) moving average"
    ),
    Indicator("dema", CLOSE, (period(20),), VALUE, one(talib.DEMA), lambda n: 2 * n - 2, "double exponential average"),
    Indicator("tema", CLOSE, (period(20),), VALUE, one(talib.TEMA), lambda n: 3 * n - 3, "triple exponential average"),
    Indicator("trima", CLOSE, (period(20),), VALUE, one(talib.TRIMA), lambda n: n - 1, "triangular average"),
    Indicator(
        "t3",
        CLOSE,
        (period(5), Parameter("factor", 0.7, 0.0, 1.0, is_whole=False)),
        VALUE,
        one(talib.T3),
        lambda n, _: 6 * (n - 1),
        "Tillson's smooth average",
    ),
    Indicator("kama", CLOSE, (period(10),), VALUE, _kama, lambda n: n - 1, "Kaufman's adaptive average"),
    Indicator(
        "hma", CLOSE, (period(20),), VALUE, one(talib.HMA), lambda n: n + max(isqrt(n), 1) - 2, "Hull's moving average"
    ),
    Indicator(
        "zlema", CLOSE, (period(20),), VALUE, one(talib.ZLEMA), lambda n: n - 1 + (n - 1) // 2, "zero-lag average"
    ),
    Indicator(
        "alma",
        CLOSE,
        (
            period(9),
            Parameter("offset", 0.85, 0.0, 1.0, is_whole=False),
            Parameter("sigma", 6.0, 0.1, 100.0, is_whole=False),
        ),
        VALUE,
        _alma,
        lambda n, *_: n - 1,
        "Arnaud Legoux's average, weighted by a bell curve",
    ),
    Indicator(
        "vwma", ("close", "volume"), (period(20),), VALUE, one(talib.VWMA), lambda n: n - 1, "volume-weighted average"
    ),
    Indicator("midpoint", CLOSE, (period(14),), VALUE, one(talib.MIDPOINT), lambda n: n - 1, "middle of the closes"),
    Indicator("midprice", _HILO, (period(14),), VALUE, one(talib.MIDPRICE), lambda n: n - 1, "middle of high and low"),
    Indicator(
        "bbands", CLOSE, (period(20), multiple("width", 2.0)), _BANDS, _bbands, lambda n, _: n - 1, "Bollinger bands"
    ),
    Indicator(
        "keltner",
        BAR,
        (period(20, 1), multiple("width", 2.0), span("range_period", 10)),
        _BANDS,
        _keltner,
        lambda n, _, r: (max(n - 1, r), n - 1, max(n - 1, r)),
        "Keltner channels: an average and true ranges around it",
    ),
    Indicator(
        "starc",
        BAR,
        (period(5, 1), multiple("width", 2.0), span("range_period", 10)),
        _BANDS,
        _starc,
        lambda n, _, r: (max(n - 1, r), n - 1, max(n - 1, r)),
        "Stoller's bands of average true range",
    ),
    Indicator(
        "envelope",
        CLOSE,
        (period(20, 1), Parameter("percent", 2.5, 0.01, PERCENT_MAX, is_whole=False)),
        _BANDS,
        _envelope,
        lambda n, _: n - 1,
        "bands at a percentage around a simple average",
    ),
    Indicator(
        "donchian", _HILO, (period(20, 1),), _BANDS, _donchian, lambda n: n, "channel of the bars before this one"
    ),
    Indicator("accbands", BAR, (period(20),), _BANDS, _accbands, lambda n: n - 1, "acceleration bands"),
    Indicator(
        "ichimoku",
        _HILO,
        (span("conversion", 9), span("base", 26), span("leading", 52)),
        ("tenkan", "kijun", "senkou_a", "senkou_b"),
        _ichimoku,
        lambda c, b, s: (c - 1, b - 1, max(c, b) - 1 + b, s - 1 + b),
        "Ichimoku as it can be known on the bar: the cloud of today, no lagging line",
    ),
    Indicator(
        "alligator",
        _HILO,
        _JAWS,
        ("jaw", "teeth", "lips"),
        _alligator,
        lambda j, t, m: (j + 7, t + 4, m + 2),
        "Williams's three shifted averages",
    ),
    Indicator(
        "gator",
        _HILO,
        _JAWS,
        ("upper", "lower"),
        _gator,
        lambda j, t, m: (max(j + 7, t + 4), max(t + 4, m + 2)),
        "how far the alligator's averages are apart",
    ),
    Indicator(
        "linreg", CLOSE, (period(14),), VALUE, one(talib.LINEARREG), lambda n: n - 1, "end of the least-squares line"
    ),
    Indicator("tsf", CLOSE, (period(14),), VALUE, one(talib.TSF), lambda n: n - 1, "that line one bar further"),
    Indicator("highest", ("high",), (period(20, 1),), VALUE, one(highest), lambda n: n - 1, "highest high"),
    Indicator("lowest", ("low",), (period(20, 1),), VALUE, one(lowest), lambda n: n - 1, "lowest low"),
)

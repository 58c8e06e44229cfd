"""Oscillators and changes: how fast, and how far from usual."""

import numpy as np

from quant.bars import Series
from quant.indicators.averages import highest, lowest
from quant.indicators.bare_talib import talib
from quant.indicators.model import BAR, CLOSE, PERIOD_MAX, VALUE, Indicator, Parameter, divided, one, period, span


def _macd(close: Series, fast: int, slow: int, signal: int) -> tuple[Series, ...]:
    line = talib.EMA(close, fast) - talib.EMA(close, slow)
    average = talib.EMA(line, signal)
    return line, average, line - average


def _percent_oscillator(series: Series, fast: int, slow: int, signal: int) -> tuple[Series, ...]:
    slower = talib.EMA(series, slow)
    line = divided(100 * (talib.EMA(series, fast) - slower), slower)
    average = talib.EMA(line, signal)
    return line, average, line - average


def _stoch(high: Series, low: Series, close: Series, window: int, smooth_k: int, smooth_d: int) -> tuple[Series, ...]:
    raw, _ = talib.STOCHF(high, low, close, window, 1)
    k = talib.SMA(raw, smooth_k)
    return k, talib.SMA(k, smooth_d)


def _kdj(high: Series, low: Series, close: Series, window: int, smooth_k: int, smooth_d: int) -> tuple[Series, ...]:
    k, d = _stoch(high, low, close, window, smooth_k, smooth_d)
    return k, d, 3 * k - 2 * d


def _stochrsi(close: Series, window: int, rsi_window: int, smooth_k: int, smooth_d: int) -> tuple[Series, ...]:
    strength = talib.RSI(close, rsi_window)
    low = lowest(strength, window)
    raw = divided(100 * (strength - low), highest(strength, window) - low)
    k = talib.SMA(raw, smooth_k)
    return k, talib.SMA(k, smooth_d)


def _aroon(high: Series, low: Series, window: int) -> tuple[Series, ...]:
    """Bars since the extreme, the earliest of equals: TA-Lib counts from the latest."""
    up, down = np.full_like(high, np.nan), np.full_like(high, np.nan)
    if len(high) > window:
        highs = np.lib.stride_tricks.sliding_window_view(high, window + 1)
        lows = np.lib.stride_tricks.sliding_window_view(low, window + 1)
        up[window:] = 100 * highs.argmax(axis=1) / window
        down[window:] = 100 * lows.argmin(axis=1) / window
    return up, down, up - down


def _cmo(close: Series, window: int) -> tuple[Series, ...]:
    """Chande's own plain sums; TA-Lib smooths them as Wilder does."""
    change = np.diff(close, prepend=close[:1])
    change[:1] = np.nan
    up, down = np.where(change > 0, change, 0.0), np.where(change < 0, -change, 0.0)
    up[:1] = down[:1] = np.nan
    gains, losses = talib.SUM(up, window), talib.SUM(down, window)
    return (divided(100 * (gains - losses), gains + losses),)


def _tsi(close: Series, slow: int, fast: int, signal: int) -> tuple[Series, ...]:
    change = talib.MOM(close, 1)
    twice = talib.EMA(talib.EMA(change, slow), fast)
    line = divided(100 * twice, talib.EMA(talib.EMA(np.abs(change), slow), fast))
    return line, talib.EMA(line, signal)


def _streak(close: Series) -> Series:
    """How many bars in a row have risen (above zero) or fallen (below)."""
    direction = np.sign(np.diff(close, prepend=close[:1]))
    places = np.arange(len(close))
    turned = np.diff(direction, prepend=np.nan) != 0
    began = np.maximum.accumulate(np.where(turned, places, 0))
    return np.asarray(direction * (places - began + 1), dtype=np.float64)


def _crsi(close: Series, window: int, streak_window: int, rank_window: int) -> tuple[Series, ...]:
    change = talib.ROCP(close, 1)
    rank = np.full_like(close, np.nan)
    if len(close) > rank_window + 1:
        windows = np.lib.stride_tricks.sliding_window_view(change[1:], rank_window + 1)
        rank[rank_window + 1 :] = 100 * (windows[:, :-1] < windows[:, -1:]).sum(axis=1) / rank_window
    return ((talib.RSI(close, window) + talib.RSI(_streak(close), streak_window) + rank) / 3,)


def _bop(open_: Series, high: Series, low: Series, close: Series, window: int) -> tuple[Series, ...]:
    return (talib.SMA(talib.BOP(open_, high, low, close), window),)


def _zscore(close: Series, window: int) -> tuple[Series, ...]:
    return (divided(close - talib.SMA(close, window), talib.STDDEV(close, window)),)


def _macd_back(fast: int, slow: int, signal: int) -> tuple[int, ...]:
    line = max(fast, slow) - 1
    return line, line + signal - 1, line + signal - 1


def _stoch_back(n: int, k: int, d: int) -> tuple[int, ...]:
    return n + k - 2, n + k + d - 3


_MACD = (span("fast", 12), span("slow", 26), span("signal", 9))
_STOCH = (span("period", 14), span("smooth_k", 3), span("smooth_d", 3))
_LINES = ("signal", "histogram")

ROWS = (
    Indicator("rsi", CLOSE, (period(14),), VALUE, one(talib.RSI), lambda n: n, "relative strength index, 0 to 100"),
    Indicator("mom", CLOSE, (period(10, 1),), VALUE, one(talib.MOM), lambda n: n, "change over a period, in price"),
    Indicator("roc", CLOSE, (period(12, 1),), VALUE, one(talib.ROC), lambda n: n, "change over a period in percent"),
    Indicator(
        "pct_change", CLOSE, (period(1, 1),), VALUE, one(talib.ROCP), lambda n: n, "change over a period, 0.1 = 10 %"
    ),
    Indicator("macd", CLOSE, _MACD, ("macd", *_LINES), _macd, _macd_back, "convergence of two averages"),
    Indicator("ppo", CLOSE, _MACD, ("ppo", *_LINES), _percent_oscillator, _macd_back, "the same in percent of price"),
    Indicator("pvo", ("volume",), _MACD, ("pvo", *_LINES), _percent_oscillator, _macd_back, "the same of volume"),
    Indicator("stoch", BAR, _STOCH, ("k", "d"), _stoch, _stoch_back, "stochastic oscillator, 0 to 100"),
    Indicator(
        "kdj",
        BAR,
        _STOCH,
        ("k", "d", "j"),
        _kdj,
        lambda n, k, d: (*_stoch_back(n, k, d), n + k + d - 3),
        "stochastic with its divergence line j",
    ),
    Indicator(
        "stochrsi",
        CLOSE,
        (span("period", 14), period(14), span("smooth_k", 1), span("smooth_d", 3)),
        ("k", "d"),
        _stochrsi,
        lambda n, r, k, d: (r + n + k - 2, r + n + k + d - 3),
        "where RSI stands between its own extremes, 0 to 100",
    ),
    Indicator("cci", BAR, (period(20),), VALUE, one(talib.CCI), lambda n: n - 1, "commodity channel index"),
    Indicator("willr", BAR, (period(14),), VALUE, one(talib.WILLR), lambda n: n - 1, "Williams %R, -100 to 0"),
    Indicator("cmo", CLOSE, (period(14),), VALUE, _cmo, lambda n: n, "Chande's momentum oscillator, -100 to 100"),
    Indicator(
        "ultosc",
        BAR,
        (span("short", 7), span("middle", 14), span("long", 28)),
        VALUE,
        one(talib.ULTOSC),
        lambda *spans: max(spans),
        "ultimate oscillator, 0 to 100",
    ),
    Indicator(
        "trix", CLOSE, (period(15, 1),), VALUE, one(talib.TRIX), lambda n: 3 * n - 2, "change of a triple average"
    ),
    Indicator(
        "tsi",
        CLOSE,
        (span("slow", 25), span("fast", 13), span("signal", 7)),
        ("tsi", "signal"),
        _tsi,
        lambda s, f, g: (s + f - 1, s + f + g - 2),
        "true strength index, -100 to 100",
    ),
    Indicator(
        "aroon",
        ("high", "low"),
        (period(25, 1),),
        ("up", "down", "oscillator"),
        _aroon,
        lambda n: n,
        "how lately the extremes were reached, 0 to 100",
    ),
    Indicator(
        "ao",
        ("high", "low"),
        (span("fast", 5), span("slow", 34)),
        VALUE,
        lambda high, low, fast, slow: (talib.SMA((high + low) / 2, fast) - talib.SMA((high + low) / 2, slow),),
        lambda fast, slow: max(fast, slow) - 1,
        "awesome oscillator",
    ),
    Indicator(
        "bop",
        ("open", "high", "low", "close"),
        (period(14, 1),),
        VALUE,
        _bop,
        lambda n: n - 1,
        "balance of power: the body in the range, averaged",
    ),
    Indicator(
        "crsi",
        CLOSE,
        (period(3), Parameter("streak", 2, 2, PERIOD_MAX), span("rank", 100)),
        VALUE,
        _crsi,
        lambda n, s, r: max(n, s, r + 1),
        "Connors's RSI of price, streak and rank, 0 to 100",
    ),
    Indicator(
        "coppock",
        CLOSE,
        (span("average", 10), span("fast", 11), span("slow", 14)),
        VALUE,
        lambda close, average, fast, slow: (talib.WMA(talib.ROC(close, fast) + talib.ROC(close, slow), average),),
        lambda a, f, s: max(f, s) + a - 1,
        "Coppock's curve",
    ),
    Indicator("stddev", CLOSE, (period(20),), VALUE, one(talib.STDDEV), lambda n: n - 1, "population deviation"),
    Indicator("variance", CLOSE, (period(20),), VALUE, one(talib.VAR), lambda n: n - 1, "population variance"),
    Indicator("zscore", CLOSE, (period(20),), VALUE, _zscore, lambda n: n - 1, "deviations from the average"),
    Indicator("avgdev", CLOSE, (period(20),), VALUE, one(talib.AVGDEV), lambda n: n - 1, "mean absolute deviation"),
    Indicator(
        "slope", CLOSE, (period(14),), VALUE, one(talib.LINEARREG_SLOPE), lambda n: n - 1, "slope of the trend line"
    ),
    Indicator(
        "elder_ray",
        BAR,
        (period(13, 1),),
        ("bull", "bear"),
        lambda high, low, close, n: (high - talib.EMA(close, n), low - talib.EMA(close, n)),
        lambda n: n - 1,
        "how far the extremes are from the average",
    ),
)

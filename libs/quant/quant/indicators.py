"""Technical indicators under our names: one table of inputs, parameters and outputs, computed by TA-Lib.

Seeds follow the common textbooks: an EMA starts from the mean of its first values; RSI, ATR and ADX are Wilder's,
started from a plain mean; Bollinger bands and `stddev` use the population deviation; %K is smoothed. Where TA-Lib
starts differently (MACD, stochastic, ADX) we compose its primitives. Values before an indicator has enough bars are
NaN; a NaN inside a series makes the later values of running indicators NaN too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import talib

from quant.bars import Frame, Series

PERIOD_MAX: Final = 1_000
MULTIPLE_MAX: Final = 10.0

_Compute = Callable[..., tuple[Series, ...]]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number an indicator takes, with its default and its bounds (both allowed)."""

    name: str
    default: float
    least: float
    most: float
    is_whole: bool = True

    def checked(self, value: float) -> float:
        """The value, whole where it must be; ValueError says what is allowed."""
        if self.is_whole and value != int(value):
            raise ValueError(f"{self.name} must be a whole number, not {value:g}")
        if not self.least <= value <= self.most:
            raise ValueError(f"{self.name} must be between {self.least:g} and {self.most:g}, not {value:g}")
        return int(value) if self.is_whole else float(value)


@dataclass(frozen=True, slots=True)
class Indicator:
    """A function from columns of bars to named columns of the same length.

    The input of an indicator that reads one column may be any series: `sma(volume, 20)`, `ema(rsi(14), 9)`.
    """

    name: str
    inputs: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    outputs: tuple[str, ...]
    compute: _Compute
    summary: str

    @property
    def takes_series(self) -> bool:
        return len(self.inputs) == 1

    def bind(self, values: Sequence[float]) -> tuple[float, ...]:
        """All parameters in order, defaults filled in and bounds checked; ValueError explains."""
        if len(values) > len(self.parameters):
            names = ", ".join(parameter.name for parameter in self.parameters) or "none"
            raise ValueError(f"{self.name} takes at most {len(self.parameters)} parameters ({names})")
        given = [parameter.checked(value) for parameter, value in zip(self.parameters, values, strict=False)]
        return (*given, *(parameter.default for parameter in self.parameters[len(given) :]))


def compute(name: str, frame: Frame, values: Sequence[float] = (), series: Series | None = None) -> dict[str, Series]:
    """Each output of an indicator over a frame, by name; `series` replaces the input of indicators that take one.

    KeyError for an unknown name, ValueError for parameters out of bounds.
    """
    indicator = REGISTRY[name]
    bound = indicator.bind(values)
    if series is not None and not indicator.takes_series:
        raise ValueError(f"{name} reads {', '.join(indicator.inputs)} and takes no other series")
    columns = [series] if series is not None else [frame[column] for column in indicator.inputs]
    results = indicator.compute(*(np.ascontiguousarray(column, dtype=np.float64) for column in columns), *bound)
    return dict(zip(indicator.outputs, results, strict=True))


def _one(function: Callable[..., Series]) -> _Compute:
    """A TA-Lib function of one output: column arrays first, then the parameters as they are."""

    def compute_one(*arguments: Series | float) -> tuple[Series, ...]:
        return (function(*arguments),)

    return compute_one


def _macd(close: Series, fast: int, slow: int, signal: int) -> tuple[Series, ...]:
    line = talib.EMA(close, fast) - talib.EMA(close, slow)
    average = talib.EMA(line, signal)
    return line, average, line - average


def _bbands(close: Series, period: int, width: float) -> tuple[Series, ...]:
    upper, middle, lower = talib.BBANDS(close, period, width, width)
    return upper, middle, lower


def _stoch(high: Series, low: Series, close: Series, period: int, smooth_k: int, smooth_d: int) -> tuple[Series, ...]:
    raw, _ = talib.STOCHF(high, low, close, period, 1)
    k = talib.SMA(raw, smooth_k)
    return k, talib.SMA(k, smooth_d)


def _wilder(values: Series, period: int) -> Series:
    """Wilder's smoothing of a series of no negative values, seeded by the mean of values 1..period."""
    zeros = np.zeros_like(values)
    # The true range of a bar from 0 to x whose last close was 0 is x: the ATR of such bars smooths x.
    return np.asarray(talib.ATR(values, zeros, zeros, period), dtype=np.float64)


def _adx(high: Series, low: Series, close: Series, period: int) -> tuple[Series, ...]:
    nothing = np.full_like(close, np.nan)
    if len(close) <= period:
        return nothing, nothing.copy(), nothing.copy()
    up, down = np.diff(high, prepend=high[:1]), -np.diff(low, prepend=low[:1])
    plus = _wilder(np.where((up > down) & (up > 0), up, 0.0), period)
    minus = _wilder(np.where((down > up) & (down > 0), down, 0.0), period)
    average_range = talib.ATR(high, low, close, period)
    with np.errstate(divide="ignore", invalid="ignore"):
        plus_di, minus_di = 100 * plus / average_range, 100 * minus / average_range
        total = plus_di + minus_di
        direction = np.where(total == 0, 0.0, 100 * np.abs(plus_di - minus_di) / total)
    # The first direction is known at `period`; the value before it only has to be a number.
    direction[:period] = 0.0
    adx = nothing
    adx[period - 1 :] = _wilder(direction[period - 1 :], period)
    return adx, plus_di, minus_di


def _extreme(function: Callable[..., Series]) -> _Compute:
    def compute_extreme(series: Series, period: int) -> tuple[Series, ...]:
        return (series.copy() if period == 1 else function(series, period),)

    return compute_extreme


def _period(default: int, least: int = 2) -> Parameter:
    return Parameter("period", default, least, PERIOD_MAX)


def _span(name: str, default: int) -> Parameter:
    return Parameter(name, default, 1, PERIOD_MAX)


_CLOSE: Final = ("close",)
_BAR: Final = ("high", "low", "close")
_VALUE: Final = ("value",)
_WIDTH: Final = Parameter("width", 2.0, 0.1, MULTIPLE_MAX, is_whole=False)
_MACD: Final = (_span("fast", 12), _span("slow", 26), _span("signal", 9))
_STOCH: Final = (_span("period", 14), _span("smooth_k", 3), _span("smooth_d", 3))

_INDICATORS: Final = (
    Indicator("sma", _CLOSE, (_period(20, 1),), _VALUE, _one(talib.SMA), "simple moving average"),
    Indicator("ema", _CLOSE, (_period(20, 1),), _VALUE, _one(talib.EMA), "exponential moving average"),
    Indicator("wma", _CLOSE, (_period(20, 1),), _VALUE, _one(talib.WMA), "linearly weighted moving average"),
    Indicator("rsi", _CLOSE, (_period(14),), _VALUE, _one(talib.RSI), "relative strength index, 0 to 100"),
    Indicator("roc", _CLOSE, (_period(12, 1),), _VALUE, _one(talib.ROC), "change over a period in percent"),
    Indicator("pct_change", _CLOSE, (_period(1, 1),), _VALUE, _one(talib.ROCP), "change over a period, 0.1 = 10 %"),
    Indicator("stddev", _CLOSE, (_period(20),), _VALUE, _one(talib.STDDEV), "population standard deviation"),
    Indicator("highest", ("high",), (_period(20, 1),), _VALUE, _extreme(talib.MAX), "highest high"),
    Indicator("lowest", ("low",), (_period(20, 1),), _VALUE, _extreme(talib.MIN), "lowest low"),
    Indicator("macd", _CLOSE, _MACD, ("macd", "signal", "histogram"), _macd, "convergence of two averages"),
    Indicator("bbands", _CLOSE, (_period(20), _WIDTH), ("upper", "middle", "lower"), _bbands, "Bollinger bands"),
    Indicator("atr", _BAR, (_period(14, 1),), _VALUE, _one(talib.ATR), "average true range"),
    Indicator("adx", _BAR, (_period(14),), ("adx", "plus", "minus"), _adx, "strength and direction of the trend"),
    Indicator("cci", _BAR, (_period(20),), _VALUE, _one(talib.CCI), "commodity channel index"),
    Indicator("willr", _BAR, (_period(14),), _VALUE, _one(talib.WILLR), "Williams %R, -100 to 0"),
    Indicator("stoch", _BAR, _STOCH, ("k", "d"), _stoch, "stochastic oscillator, 0 to 100"),
    Indicator("mfi", (*_BAR, "volume"), (_period(14),), _VALUE, _one(talib.MFI), "money flow index, 0 to 100"),
    Indicator("obv", ("close", "volume"), (), _VALUE, _one(talib.OBV), "on-balance volume"),
)

REGISTRY: Final = {indicator.name: indicator for indicator in _INDICATORS}

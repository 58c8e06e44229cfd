"""Volume: whether it goes with the price."""

import numpy as np

from quant.bars import Series
from quant.indicators.bare_talib import talib
from quant.indicators.model import BAR, PERIOD_MAX, VALUE, Indicator, Parameter, divided, one, period, span

_BAR_VOLUME = (*BAR, "volume")
_CLOSE_VOLUME = ("close", "volume")


def _adosc(high: Series, low: Series, close: Series, volume: Series, fast: int, slow: int) -> tuple[Series, ...]:
    line = talib.AD(high, low, close, volume)
    return (talib.EMA(line, fast) - talib.EMA(line, slow),)


def _vwap(high: Series, low: Series, close: Series, volume: Series, window: int) -> tuple[Series, ...]:
    """From the first bar on when the window is 0; both sums run, so that more bars cost no more."""
    value = (high + low + close) / 3 * volume
    if window:
        return (
            (divided(talib.SUM(value, window), talib.SUM(volume, window)),) if window > 1 else (divided(value, volume),)
        )
    return (divided(np.cumsum(value), np.cumsum(volume)),)


def _force(close: Series, volume: Series, window: int) -> tuple[Series, ...]:
    return (talib.EMA(talib.MOM(close, 1) * volume, window),)


ROWS = (
    Indicator("obv", _CLOSE_VOLUME, (), VALUE, one(talib.OBV), lambda: 0, "on-balance volume"),
    Indicator("ad", _BAR_VOLUME, (), VALUE, one(talib.AD), lambda: 0, "accumulation and distribution line"),
    Indicator(
        "adosc",
        _BAR_VOLUME,
        (span("fast", 3), span("slow", 10)),
        VALUE,
        _adosc,
        lambda fast, slow: max(fast, slow) - 1,
        "Chaikin's oscillator of that line",
    ),
    Indicator("mfi", _BAR_VOLUME, (period(14),), VALUE, one(talib.MFI), lambda n: n, "money flow index, 0 to 100"),
    Indicator(
        "cmf", _BAR_VOLUME, (period(20),), VALUE, one(talib.CMF), lambda n: n - 1, "Chaikin's money flow, -1 to 1"
    ),
    Indicator("force", _CLOSE_VOLUME, (period(13, 1),), VALUE, _force, lambda n: n, "change times volume, averaged"),
    Indicator(
        "vwap",
        _BAR_VOLUME,
        (Parameter("period", 0, 0, PERIOD_MAX),),
        VALUE,
        _vwap,
        lambda n: max(n - 1, 0),
        "volume-weighted average price, of a period or (0) since the first bar",
    ),
)

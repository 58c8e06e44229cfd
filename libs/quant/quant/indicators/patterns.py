"""Candlestick patterns by TA-Lib: 100 where one ends bullish, -100 bearish, 0 elsewhere (200 and -200 confirmed)."""

from collections.abc import Callable
from typing import Final

import numpy as np

from quant.bars import Series
from quant.indicators.bare_talib import talib
from quant.indicators.model import VALUE, Compute, Indicator

_OHLC: Final = ("open", "high", "low", "close")

NAMES: Final = tuple(sorted(name for name in dir(talib) if name.startswith("CDL")))


def _pattern(function: Callable[..., Series]) -> Compute:

    def compute_pattern(open_: Series, high: Series, low: Series, close: Series) -> tuple[Series, ...]:
        return (np.asarray(function(open_, high, low, close), dtype=np.float64),)

    return compute_pattern


def _row(name: str) -> Indicator:
    summary = f"candlestick pattern {name.removeprefix('CDL').lower()}"
    return Indicator(name.lower(), _OHLC, (), VALUE, _pattern(getattr(talib, name)), lambda: 0, summary)


ROWS = tuple(_row(name) for name in NAMES)

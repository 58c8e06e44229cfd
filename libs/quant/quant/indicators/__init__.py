"""Technical indicators under our names: one table of inputs, parameters, outputs and look-back, computed by TA-Lib.

Seeds follow the common textbooks: an EMA starts from the mean of its first values; RSI, ATR and ADX are Wilder's,
started from a plain mean; Bollinger bands and `stddev` use the population deviation; %K is smoothed. Where TA-Lib
starts or counts differently (MACD, stochastic, ADX, CMO, Aroon, KAMA, Chaikin) we compose its primitives. Values before
an indicator has enough bars are NaN; a NaN inside a series makes the later values of running indicators NaN too. No
value depends on a later bar: lines that are drawn into the past, such as Ichimoku's lagging one, are left out.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from quant.bars import Frame, Series
from quant.indicators import averages, momentum, patterns, trend, volume
from quant.indicators.model import PERIOD_MAX, Indicator, Parameter, ParameterError

__all__ = ["PERIOD_MAX", "REGISTRY", "Indicator", "Parameter", "ParameterError", "compute"]

REGISTRY: Final[dict[str, Indicator]] = {
    row.name: row for rows in (averages, momentum, trend, volume, patterns) for row in rows.ROWS
}


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

"""Bars of one symbol as columns: what indicators, rules and backtests read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

Series = NDArray[np.float64]
Mask = NDArray[np.bool_]
Frame = Mapping[str, Series]

FIELDS: Final = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Bars in rising order of time: six columns of one length, prices in the market's currency, volume in shares.

    A halted day is kept, as providers deliver it: close repeated, open, high and low 0. Build with `Bars.of`.
    """

    dates: NDArray[np.datetime64]
    open: Series
    high: Series
    low: Series
    close: Series
    volume: Series

    @classmethod
    def of(cls, dates: list[date] | ArrayLike, columns: Mapping[str, ArrayLike]) -> "Bars":
        """Bars from dates and the five columns of `FIELDS`; ValueError names what is wrong with them."""
        days = np.asarray(dates, dtype="datetime64[D]")
        missing = [name for name in FIELDS if name not in columns]
        if missing:
            raise ValueError(f"bars need the columns {', '.join(FIELDS)}; missing: {', '.join(missing)}")
        series = {name: np.ascontiguousarray(columns[name], dtype=np.float64) for name in FIELDS}
        if any(values.shape != days.shape or values.ndim != 1 for values in series.values()):
            raise ValueError("every column must have one value per date")
        if np.any(days[1:] <= days[:-1]):
            raise ValueError("dates must rise: each bar later than the one before")
        if not all(np.all(np.isfinite(values)) and np.all(values >= 0) for values in series.values()):
            raise ValueError("prices and volumes must be numbers of zero or more")
        if np.any(series["close"] == 0):
            raise ValueError("every bar needs a close above zero")
        return cls(days, **series)

    def __len__(self) -> int:
        return len(self.dates)

    @property
    def traded(self) -> Mask:
        """True on the bars where orders could fill: those with an opening price."""
        return (self.open > 0) & (self.high > 0) & (self.low > 0)

    def frame(self) -> dict[str, Series]:
        """The columns for indicators and rules. On halted days open, high and low are the close: no price moved."""
        traded = self.traded
        return {
            "open": np.where(traded, self.open, self.close),
            "high": np.where(traded, self.high, self.close),
            "low": np.where(traded, self.low, self.close),
            "close": self.close,
            "volume": self.volume,
        }

"""The same average cross by vectorbt and by backtesting.py, each on its own fast path: what ours is compared with."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from quant.bars import Bars, Series

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import vectorbt
    from backtesting import Strategy
    from backtesting.backtesting import Backtest


def frame_of(bars: Bars) -> pd.DataFrame:
    """The bars as both peers read them."""
    columns = {name.capitalize(): getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    return pd.DataFrame(columns, index=pd.DatetimeIndex(bars.dates))


def sweep_by_vectorbt(frame: pd.DataFrame, pairs: Sequence[tuple[int, int]], fee: float, cash: float) -> Series:
    """Final value of each pair: all columns at once, averages computed once for each period."""
    close = frame["Close"]
    averages = {period: close.rolling(period).mean().to_numpy() for pair in pairs for period in pair}
    fast = np.column_stack([averages[pair[0]] for pair in pairs])
    slow = np.column_stack([averages[pair[1]] for pair in pairs])
    rises, falls = np.zeros(fast.shape, dtype=np.bool_), np.zeros(fast.shape, dtype=np.bool_)
    # known at one close, traded at the next open
    rises[2:] = (fast[1:-1] > slow[1:-1]) & (fast[:-2] <= slow[:-2])
    falls[2:] = (fast[1:-1] < slow[1:-1]) & (fast[:-2] >= slow[:-2])
    made = vectorbt.Portfolio.from_signals(
        close, rises, falls, price=frame["Open"], fees=fee, init_cash=cash, size_granularity=1, freq="1D"
    )
    return np.asarray(made.final_value(), dtype=np.float64)


def run_by_backtesting(frame: pd.DataFrame, pair: tuple[int, int], fee: float, cash: float) -> Any:
    """The figures of one pair."""

    class Cross(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            close = self.data.Close.s
            self.fast, self.slow = (self.I(close.rolling(period).mean().to_numpy) for period in pair)

        def next(self) -> None:
            if self.fast[-1] > self.slow[-1] and self.fast[-2] <= self.slow[-2] and not self.position:
                self.buy()
            elif self.fast[-1] < self.slow[-1] and self.fast[-2] >= self.slow[-2] and self.position:
                self.position.close()

    return Backtest(frame, Cross, cash=cash, commission=fee, finalize_trades=False).run()

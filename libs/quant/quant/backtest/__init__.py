"""Backtests of rule strategies on one symbol: signal at the close, fill at the next open, dated costs."""

from quant.backtest.core import warm_up
from quant.backtest.costs import CostRates, cost_rates
from quant.backtest.grid import COMBINATIONS_MAX, SweepRow, sweep, sweep_sma_cross
from quant.backtest.strategy import Result, RoundTrip, StrategySpec, run

__all__ = [
    "COMBINATIONS_MAX",
    "CostRates",
    "Result",
    "RoundTrip",
    "StrategySpec",
    "SweepRow",
    "cost_rates",
    "run",
    "sweep",
    "sweep_sma_cross",
    "warm_up",
]

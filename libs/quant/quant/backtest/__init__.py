"""Backtests of rule strategies on one symbol: signal at the close, fill at the next open, dated costs.

Two engines: a compiled loop for sweeps, and the exchange of paper trading for what a sweep leaves out.
"""

from quant.backtest.core import warm_up
from quant.backtest.costs import CostRates, cost_rates
from quant.backtest.event_driven import EventResult, run_event_driven
from quant.backtest.grid import COMBINATIONS_MAX, SweepRow, sweep, sweep_sma_cross
from quant.backtest.look_ahead import Leak, find_look_ahead
from quant.backtest.strategy import HOLDING_BARS_MAX, ExitReason, Result, RoundTrip, StrategySpec, run
from quant.backtest.venue import Execution, OffCalendar, Unfilled, Venue

__all__ = [
    "COMBINATIONS_MAX",
    "HOLDING_BARS_MAX",
    "CostRates",
    "EventResult",
    "Execution",
    "ExitReason",
    "Leak",
    "OffCalendar",
    "Result",
    "RoundTrip",
    "StrategySpec",
    "SweepRow",
    "Unfilled",
    "Venue",
    "cost_rates",
    "find_look_ahead",
    "run",
    "run_event_driven",
    "sweep",
    "sweep_sma_cross",
    "warm_up",
]

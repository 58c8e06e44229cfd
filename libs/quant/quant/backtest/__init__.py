"""Backtests of rule strategies on one symbol: signal at the close, fill at the next open, dated costs.

Two engines: a compiled loop for sweeps, and the exchange of paper trading for what a sweep leaves out.
"""

from quant.backtest.core import warm_up
from quant.backtest.costs import CostRates, cost_rates
from quant.backtest.event_driven import EventResult, run_event_driven
from quant.backtest.grid import COMBINATIONS_MAX, SweepRow, sampled, sweep, sweep_sma_cross
from quant.backtest.look_ahead import Leak, find_look_ahead
from quant.backtest.robustness import (
    Redrawn,
    Walk,
    WalkForward,
    Window,
    deflated_sharpe,
    expected_best_sharpe,
    probability_of_skill,
    redraw_trades,
    walk_forward,
)
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
    "Redrawn",
    "Result",
    "RoundTrip",
    "StrategySpec",
    "SweepRow",
    "Unfilled",
    "Venue",
    "Walk",
    "WalkForward",
    "Window",
    "cost_rates",
    "deflated_sharpe",
    "expected_best_sharpe",
    "find_look_ahead",
    "probability_of_skill",
    "redraw_trades",
    "run",
    "run_event_driven",
    "sampled",
    "sweep",
    "sweep_sma_cross",
    "walk_forward",
    "warm_up",
]

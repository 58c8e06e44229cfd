"""Backtests of rule strategies on one symbol, and of portfolios: decided at a close, filled at the next open.

For one symbol two engines: a compiled loop for sweeps, and the exchange of paper trading for what a sweep leaves out.
"""

from quant.backtest.core import warm_up
from quant.backtest.costs import CostRates, cost_rates
from quant.backtest.event_driven import EventResult, run_event_driven
from quant.backtest.folds import FOLD_CELLS_MAX, OBJECTIVES, CrossValidation, Fold, FoldPlan, cross_validate
from quant.backtest.grid import COMBINATIONS_MAX, SweepRow, sampled, sweep, sweep_sma_cross
from quant.backtest.guard import Limited, Refused
from quant.backtest.look_ahead import Leak, find_look_ahead, find_look_ahead_in_panel
from quant.backtest.portfolio import PortfolioResult, PortfolioSpec, run_portfolio
from quant.backtest.portfolio_events import run_portfolio_event_driven
from quant.backtest.portfolio_robustness import cross_validate_portfolio, walk_forward_portfolio
from quant.backtest.robustness import (
    DRAWS_MAX,
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
from quant.choices import FACTORS_MAX, POSITIONS_MAX, Every, Factor, Universe, choices_of, number_of

__all__ = [
    "COMBINATIONS_MAX",
    "DRAWS_MAX",
    "FACTORS_MAX",
    "FOLD_CELLS_MAX",
    "HOLDING_BARS_MAX",
    "OBJECTIVES",
    "POSITIONS_MAX",
    "CostRates",
    "CrossValidation",
    "EventResult",
    "Every",
    "Execution",
    "ExitReason",
    "Factor",
    "Fold",
    "FoldPlan",
    "Leak",
    "Limited",
    "OffCalendar",
    "PortfolioResult",
    "PortfolioSpec",
    "Redrawn",
    "Refused",
    "Result",
    "RoundTrip",
    "StrategySpec",
    "SweepRow",
    "Unfilled",
    "Universe",
    "Venue",
    "Walk",
    "WalkForward",
    "Window",
    "choices_of",
    "cost_rates",
    "cross_validate",
    "cross_validate_portfolio",
    "deflated_sharpe",
    "expected_best_sharpe",
    "find_look_ahead",
    "find_look_ahead_in_panel",
    "number_of",
    "probability_of_skill",
    "redraw_trades",
    "run",
    "run_event_driven",
    "run_portfolio",
    "run_portfolio_event_driven",
    "sampled",
    "sweep",
    "sweep_sma_cross",
    "walk_forward",
    "walk_forward_portfolio",
    "warm_up",
]

"""The backtest service: strategies and their versions, backtests, and sweeps over parameters."""

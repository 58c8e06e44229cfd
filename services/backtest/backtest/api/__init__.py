"""Shapes and routes of /api/v1/backtest."""

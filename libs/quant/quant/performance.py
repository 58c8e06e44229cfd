"""Performance figures of an equity curve and of closed trades, by the definitions of empyrical where it has them.

Returns are one number per session, 0.01 = 1 %, net of deposits and withdrawals. A figure that is not defined (no
returns, no variation, no losses) is NaN; `summary` shows it as None.
"""

from datetime import date
from math import isfinite
from typing import Final

import numpy as np

from quant.bars import Series

SESSIONS_PER_YEAR: Final = 252
DAYS_PER_YEAR: Final = 365.25
# A deviation this small is rounding noise around constant returns, not risk.
_NOISE: Final = 1e-15


def returns_of(equity: Series) -> Series:
    """Session returns of an equity curve without flows: one fewer than its values."""
    return equity[1:] / equity[:-1] - 1


def total_return(returns: Series) -> float:
    """Growth over the whole time (time-weighted): the product of 1 + r, less 1; NaN without returns."""
    return float(np.prod(1 + returns) - 1) if len(returns) else float("nan")


def cagr_by_sessions(returns: Series, sessions_per_year: float = SESSIONS_PER_YEAR) -> float:
    """Compound growth a year, a year being 252 sessions (empyrical's)."""
    if not len(returns):
        return float("nan")
    return float(np.prod(1 + returns) ** (sessions_per_year / len(returns)) - 1)


def cagr_by_calendar(first: float, last: float, start: date, end: date) -> float:
    """Compound growth a year from two values and their days, a year being 365.25 days."""
    days = (end - start).days
    if days <= 0 or first <= 0 or last < 0:
        return float("nan")
    return float((last / first) ** (DAYS_PER_YEAR / days) - 1)


def volatility(returns: Series, sessions_per_year: float = SESSIONS_PER_YEAR) -> float:
    """Sample deviation of returns, a year; NaN for fewer than two."""
    if len(returns) < 2:
        return float("nan")
    return float(np.std(returns, ddof=1) * np.sqrt(sessions_per_year))


def sharpe(returns: Series, risk_free: float = 0.0, sessions_per_year: float = SESSIONS_PER_YEAR) -> float:
    """Mean excess return over its sample deviation, a year. `risk_free` is the yearly rate."""
    if len(returns) < 2:
        return float("nan")
    excess = returns - ((1 + risk_free) ** (1 / sessions_per_year) - 1)
    deviation = np.std(excess, ddof=1)
    if deviation <= _NOISE:
        return float("nan")
    return float(np.mean(excess) / deviation * np.sqrt(sessions_per_year))


def sortino(returns: Series, required: float = 0.0, sessions_per_year: float = SESSIONS_PER_YEAR) -> float:
    """Mean excess over a required return a session, over the downside deviation of all sessions, a year."""
    if len(returns) < 2:
        return float("nan")
    excess = returns - required
    downside = np.sqrt(np.mean(np.minimum(excess, 0) ** 2))
    if downside <= _NOISE:
        return float("nan")
    return float(np.mean(excess) / downside * np.sqrt(sessions_per_year))


def drawdowns(returns: Series) -> Series:
    """Distance of each value from the highest so far, the start included: zero or negative, one more than returns."""
    curve = np.concatenate(([1.0], np.cumprod(1 + returns)))
    return np.asarray(curve / np.maximum.accumulate(curve) - 1, dtype=np.float64)


def max_drawdown(returns: Series) -> float:
    """The deepest drawdown, a negative fraction; NaN without returns."""
    return float(np.min(drawdowns(returns))) if len(returns) else float("nan")


def calmar(returns: Series, sessions_per_year: float = SESSIONS_PER_YEAR) -> float:
    """Yearly growth over the deepest drawdown of the whole time; NaN when there was none."""
    deepest = max_drawdown(returns)
    return cagr_by_sessions(returns, sessions_per_year) / abs(deepest) if deepest < 0 else float("nan")


def win_rate(profits: Series) -> float:
    """Share of closed trades that made money after costs."""
    return float(np.mean(profits > 0)) if len(profits) else float("nan")


def profit_factor(profits: Series) -> float:
    """Money won over money lost on closed trades; NaN when nothing was lost."""
    lost = -np.sum(profits[profits < 0])
    return float(np.sum(profits[profits > 0]) / lost) if lost > 0 else float("nan")


def expectancy(profits: Series) -> float:
    """Mean profit of a closed trade, after costs, in money."""
    return float(np.mean(profits)) if len(profits) else float("nan")


def summary(equity: Series, profits: Series, start: date, end: date) -> dict[str, float | None]:
    """All figures by name, from equity (its first value is the start) and the profits of closed trades."""
    returns = returns_of(equity)
    figures = {
        "total_return": total_return(returns),
        "cagr": cagr_by_calendar(float(equity[0]), float(equity[-1]), start, end),
        "cagr_by_sessions": cagr_by_sessions(returns),
        "volatility": volatility(returns),
        "sharpe": sharpe(returns),
        "sortino": sortino(returns),
        "max_drawdown": max_drawdown(returns),
        "calmar": calmar(returns),
        "win_rate": win_rate(profits),
        "profit_factor": profit_factor(profits),
        "expectancy": expectancy(profits),
    }
    return {name: value if isfinite(value) else None for name, value in figures.items()}

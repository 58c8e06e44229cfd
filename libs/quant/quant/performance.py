"""Performance figures of an equity curve and of closed trades, by the definitions of empyrical where it has them.

Returns are one number per session, 0.01 = 1 %, net of deposits and withdrawals. A figure that is not defined (no
returns, no variation, no losses) is NaN; `summary` shows it as None.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from math import isfinite
from typing import Final

import numpy as np

from quant.bars import Series

SESSIONS_PER_YEAR: Final = 252
DAYS_PER_YEAR: Final = 365.25
Figures = dict[str, float | None]
"""Figures by name; None where one is not defined."""

# A deviation this small is rounding noise around constant returns, not risk.
_NOISE: Final = 1e-15
_XIRR_RANGE: Final = (-0.9999, 10.0)
_XIRR_HALVINGS: Final = 100


def returns_of(equity: Series) -> Series:
    """Session returns of an equity curve without flows: one fewer than its values."""
    return equity[1:] / equity[:-1] - 1


def series_of(amounts: Sequence[Decimal]) -> Series:
    """Amounts of money as numbers to reckon statistics with; never to book with."""
    return np.array([float(amount) for amount in amounts], dtype=np.float64)


def returns_net_of_flows(values: Series, deposits: Series, withdrawals: Series) -> Series:
    """Returns of a portfolio whose owner pays in and out: (value + withdrawn) / (value before + deposited) - 1.

    A deposit counts from the start of its session, a withdrawal until the end. `values` has the value before the first
    session in front, so it is one longer than the flows. A session that begins with nothing has earned nothing.
    """
    began, ended = values[:-1] + deposits, values[1:] + withdrawals
    return np.divide(ended, began, out=np.ones_like(ended), where=began > 0) - 1


def money_weighted_return(flows: Sequence[tuple[date, float]]) -> float:
    """The yearly rate at which all flows come to nothing (XIRR, a year being 365 days); NaN when there is no such one.

    Deposits are negative, withdrawals and the final value positive. Rates from -99.99 % to 1,000 % are looked at; when
    the sum has the same sign at both ends, there is no root between them or more than one, and neither is an answer.
    """
    if len(flows) < 2:
        return float("nan")
    start = min(day for day, _ in flows)
    years = np.array([(day - start).days / 365 for day, _ in flows])
    amounts = np.array([amount for _, amount in flows])
    low, high = _XIRR_RANGE

    def worth(rate: float) -> float:
        return float(np.sum(amounts * (1 + rate) ** -years))

    if not years.any() or worth(low) * worth(high) > 0:
        return float("nan")
    rising = worth(low) < 0
    for _ in range(_XIRR_HALVINGS):
        middle = (low + high) / 2
        if (worth(middle) < 0) == rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def turnover(
    bought: float, sold: float, equity_mean: float, sessions: int, sessions_per_year: float = SESSIONS_PER_YEAR
) -> float:
    """The smaller of purchases and sales over the mean equity, a year (one-way, as the SEC reckons it)."""
    if equity_mean <= 0 or sessions <= 0:
        return float("nan")
    return min(bought, sold) / equity_mean * sessions_per_year / sessions


def beta(returns: Series, benchmark: Series) -> float:
    """How far returns move with a benchmark's of the same sessions; NaN when it does not move."""
    if len(returns) < 2:
        return float("nan")
    spread = float(np.var(benchmark, ddof=1))
    if spread <= _NOISE:
        return float("nan")
    return float(np.cov(returns, benchmark, ddof=1)[0, 1] / spread)


def alpha(returns: Series, benchmark: Series, sessions_per_year: float = SESSIONS_PER_YEAR) -> float:
    """The mean return a benchmark does not explain, compounded to a year (empyrical's, risk free 0)."""
    slope = beta(returns, benchmark)
    return float((1 + np.mean(returns - slope * benchmark)) ** sessions_per_year - 1) if isfinite(slope) else slope


def tracking_error(returns: Series, benchmark: Series, sessions_per_year: float = SESSIONS_PER_YEAR) -> float:
    """Sample deviation of what is earned beyond a benchmark of the same sessions, a year; NaN for fewer than two."""
    return volatility(returns - benchmark, sessions_per_year)


def value_at_risk(returns: Series, share: float = 0.05) -> float:
    """The return that the worst `share` of sessions stayed below, from history."""
    return float(np.percentile(returns, 100 * share)) if len(returns) else float("nan")


def conditional_value_at_risk(returns: Series, share: float = 0.05) -> float:
    """The mean return of the worst `share` of sessions, at least one of them (empyrical's)."""
    if not len(returns):
        return float("nan")
    cutoff = int((len(returns) - 1) * share)
    return float(np.mean(np.partition(returns, cutoff)[: cutoff + 1]))


def payoff(profits: Series) -> float:
    """Mean win over mean loss of closed trades; NaN without one of the two."""
    won, lost = profits[profits > 0], profits[profits < 0]
    return float(np.mean(won) / -np.mean(lost)) if len(won) and len(lost) else float("nan")


def drawdown_days(returns: Series, days: Sequence[date]) -> int:
    """The longest time from a peak until it was reached again, or until the last day: in calendar days.

    `days` has the start in front of the days of the returns.
    """
    longest, peak, under = 0, days[0], False
    for day, depth in zip(days, drawdowns(returns), strict=True):
        if under or depth < -_NOISE:
            longest = max(longest, (day - peak).days)
        under = bool(depth < -_NOISE)
        if not under:
            peak = day
    return longest


def defined(figures: dict[str, float]) -> Figures:
    """Figures with None for what is not a finite number: JSON knows no NaN."""
    return {name: value if isfinite(value) else None for name, value in figures.items()}


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


def summary(equity: Series, profits: Series, start: date, end: date) -> Figures:
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
    return defined(figures)

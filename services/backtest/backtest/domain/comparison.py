"""Runs side by side: what each did on the days that all of them have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from quant import performance
from quant.bars import Series

POINTS_MAX: Final = 250
Curve = Sequence[tuple[date, float]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Figures, worth and correlation of several equity curves on their common days.

    Attributes:
        days: how many days all curves have; the figures are of these.
        figures: of each curve, in the order given; None where one is not defined.
        dates: at most `POINTS_MAX` of the common days, evenly, the first and the last among them.
        worth: of each curve at `dates`, 1 at the first.
        correlations: of the returns of each curve with those of each other; None where one does not move.
    """

    days: int
    figures: tuple[Mapping[str, float | None], ...]
    dates: tuple[date, ...]
    worth: tuple[tuple[float, ...], ...]
    correlations: tuple[tuple[float | None, ...], ...]


def compare(curves: Sequence[Curve]) -> Comparison | None:
    """The curves beside one another; None when they have no three days in common."""
    tables = [dict(curve) for curve in curves]
    common = sorted(set(tables[0]).intersection(*tables[1:]))
    if len(common) < 3:
        return None
    equities = [np.array([table[day] for day in common]) for table in tables]
    returns = [performance.returns_of(equity) for equity in equities]
    places = np.unique(np.linspace(0, len(common) - 1, min(POINTS_MAX, len(common))).round().astype(int))
    return Comparison(
        days=len(common),
        figures=tuple(_figures(equity, (common[0], common[-1])) for equity in equities),
        dates=tuple(common[place] for place in places),
        worth=tuple(tuple((equity[places] / equity[0]).tolist()) for equity in equities),
        correlations=tuple(tuple(_correlation(one, other) for other in returns) for one in returns),
    )


def _figures(equity: Series, span: tuple[date, date]) -> Mapping[str, float | None]:
    returns = performance.returns_of(equity)
    found = {
        "total_return": performance.total_return(returns),
        "cagr": performance.cagr_by_calendar(float(equity[0]), float(equity[-1]), *span),
        "volatility": performance.volatility(returns),
        "sharpe": performance.sharpe(returns),
        "sortino": performance.sortino(returns),
        "max_drawdown": performance.max_drawdown(returns),
    }
    return performance.defined(found)


def _correlation(one: Series, other: Series) -> float | None:
    if not (np.ptp(one) and np.ptp(other)):
        return None
    return float(np.clip(np.corrcoef(one, other)[0, 1], -1, 1))

"""A course beside an index: the same sessions of both, and what of the one the other explains.

The index is one of prices: it leaves out dividends, which the course has. So alpha is a little kind to the course.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from quant import performance as figures

from trading.domain.performance import Course

NOTHING: figures.Figures = dict.fromkeys(("benchmark_return", "excess_return", "beta", "alpha", "tracking_error"))
"""The figures of a course that has nothing to be compared with."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """An index, and its closes by day."""

    symbol: str
    closes: Mapping[date, Decimal]


def compare(course: Course, benchmark: Benchmark) -> figures.Figures:
    """Figures over the sessions for which both have a value at their end and at that of the point before.

    The first point has no point before it: what was earned on the day an account began is not compared. Returns are
    fractions; alpha and tracking error are a year's, of 252 sessions. None where there are too few sessions.
    """
    days = [point.day for point in course.points]
    common = [(place, days[place - 1], day) for place, day in enumerate(days) if place and _has(benchmark, days, place)]
    if not common:
        return NOTHING
    ours = course.returns[[place for place, _, _ in common]]
    began = figures.series_of([benchmark.closes[first] for _, first, _ in common])
    theirs = figures.series_of([benchmark.closes[last] for _, _, last in common]) / began - 1
    total = figures.total_return(theirs)
    return figures.defined(
        {
            "benchmark_return": total,
            "excess_return": figures.total_return(ours) - total,
            "beta": figures.beta(ours, theirs),
            "alpha": figures.alpha(ours, theirs),
            "tracking_error": figures.tracking_error(ours, theirs),
        }
    )


def _has(benchmark: Benchmark, days: Sequence[date], place: int) -> bool:
    """Whether the index has a close for a point and for the one before it."""
    return bool(benchmark.closes.get(days[place - 1]) and benchmark.closes.get(days[place]))

"""A course beside an index: over the sessions both have, and nothing where there are none."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from trading.domain.benchmark import NOTHING, Benchmark, compare
from trading.domain.performance import Course, Point
from trading.domain.request import Denied, Reason
from trading.domain.risk import review

from services.trading.tests.builders import a_question, a_quote, a_request

FIRST = date(2026, 11, 2)


def a_course(*equities: int, deposits: tuple[int, ...] = ()) -> Course:
    paid = (equities[0], *deposits, *(0,) * len(equities))
    points = [
        Point(day=FIRST + timedelta(days=place), equity=Decimal(equity), deposits=Decimal(paid[place]))
        for place, equity in enumerate(equities)
    ]
    return Course("KRW", points)


def an_index(*closes: float | None) -> Benchmark:
    by_day = {
        FIRST + timedelta(days=place): Decimal(repr(close)) for place, close in enumerate(closes) if close is not None
    }
    return Benchmark("KOSPI", by_day)


def test_a_course_that_moves_twice_as_much_has_a_beta_of_two_and_nothing_of_its_own() -> None:
    figures = compare(a_course(1_000_000, 1_020_000, 999_600), an_index(4_000, 4_040, 3_999.6))
    assert figures["beta"] == pytest.approx(2)
    assert figures["alpha"] == pytest.approx(0, abs=1e-9)
    assert figures["benchmark_return"] == pytest.approx(-0.0001)
    assert figures["excess_return"] == pytest.approx(-0.0004 + 0.0001)
    assert figures["tracking_error"] == pytest.approx(np.std([0.01, -0.01], ddof=1) * np.sqrt(252))


def test_money_that_is_paid_in_is_no_return_beside_the_index() -> None:
    figures = compare(a_course(1_000_000, 2_020_000, 1_979_600, deposits=(1_000_000,)), an_index(4_000, 4_040, 3_999.6))
    assert figures["beta"] == pytest.approx((0.01 + 0.02) / 0.02)


def test_sessions_that_the_index_does_not_have_are_left_out_of_both() -> None:
    figures = compare(a_course(100, 110, 500, 121), an_index(10, 11, None, 12.1))
    assert figures["benchmark_return"] == pytest.approx(0.1)
    assert figures["excess_return"] == pytest.approx(0)
    assert [figures[name] for name in ("beta", "alpha", "tracking_error")] == [None] * 3, "one session is no statistic"


@pytest.mark.parametrize("course", [a_course(100), a_course(100, 110), Course("KRW", [])])
def test_without_a_common_session_nothing_is_known(course: Course) -> None:
    assert compare(course, an_index(None, None)) == NOTHING


def test_an_index_is_not_bought() -> None:
    verdict = review(a_question(request=a_request(symbol="KOSPI"), latest=a_quote(symbol="KOSPI")))
    assert isinstance(verdict, Denied)
    assert verdict.reason is Reason.RESTRICTED_SYMBOL

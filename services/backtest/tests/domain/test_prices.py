"""Bars are examined before anything is computed on them; each refusal says what to do."""

from datetime import date

import pytest
from backtest.domain.prices import BARS_MAX, BARS_MIN, History, Prices, examine
from backtest.domain.run import Refusal

from services.backtest.tests.builders import a_history, terms

NOTHING = History([], {})


@pytest.mark.parametrize("history", [None, NOTHING])
def test_no_bars_are_refused(history: History | None) -> None:
    refused = examine(terms(start=date(2030, 1, 1)), history)
    assert isinstance(refused, Refusal)
    assert refused.code == "no_bars"
    assert "005930 from 2030-01-01 to the last" in refused.detail


@pytest.mark.parametrize(
    ("count", "code"),
    [(BARS_MIN - 1, "period_too_short"), (BARS_MIN, None), (BARS_MAX + 1, "period_too_long")],
)
def test_the_number_of_bars_has_bounds(count: int, code: str | None) -> None:
    examined = examine(terms(), a_history(count=count))
    assert (examined.code if isinstance(examined, Refusal) else None) == code


def test_bars_that_contradict_themselves_are_refused() -> None:
    history = a_history()
    history.columns["close"][10] = 0  # type: ignore[index]
    refused = examine(terms(), history)
    assert isinstance(refused, Refusal)
    assert refused.code == "bars_unusable"


def test_board_and_kind_come_from_market_where_it_names_them() -> None:
    named = examine(terms(), a_history(board="KOSDAQ", kind="etf"))
    assumed, foreign = examine(terms(), a_history()), examine(terms("AAPL"), a_history())
    assert isinstance(named, Prices)
    assert isinstance(assumed, Prices)
    assert isinstance(foreign, Prices)
    assert (named.board, named.kind, named.currency) == ("KOSDAQ", "etf", "KRW")
    assert (assumed.board, assumed.kind) == ("KOSPI", "stock")
    assert (foreign.board, foreign.currency) == ("US", "USD")
